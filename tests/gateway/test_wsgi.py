"""The WSGI application limits the length of headers."""

import io
import time
from typing import Any

import orjson
import pytest

from gateway.wsgi import application

# An attack would take seconds; a check of the length takes microseconds.
MAX_CPU_SECONDS = 0.3
BODY = b'{"query": "{ __typename }"}'
PATTERNS = {
    "semicolons": ";",
    "commas": ",",
    "quotes": '"',
    "backslashes": "\\",
    "escaped quotes": '\\"; ',
    "spaces": " ",
    "colons": ":",
    "letters": "a",
}
PREFIXES = {
    "CONTENT_TYPE": 'application/json;a="',
    "HTTP_ACCEPT": 'application/json;q="',
    "HTTP_AUTHORIZATION": "Bearer ",
    "HTTP_COOKIE": 'a="',
    "HTTP_HOST": "[",
    "HTTP_ORIGIN": "https://",
    "HTTP_X_FORWARDED_FOR": "192.0.2.1,",
    "HTTP_USER_AGENT": "",
    "HTTP_X_REQUEST_ID": "",
}


def call(**variables: str) -> tuple[int, dict[str, str], Any]:
    """Return the status, the headers and the JSON of the answer to a request with these WSGI variables."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/graphql",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(BODY)),
        "wsgi.input": io.BytesIO(BODY),
        "wsgi.url_scheme": "http",
        **variables,
    }
    started: list[Any] = []
    response = application(environ, lambda *arguments: started.extend(arguments))
    try:
        return int(started[0].split()[0]), dict(started[1]), orjson.loads(b"".join(response))
    finally:
        getattr(response, "close", lambda: None)()


@pytest.mark.parametrize("size", [64_000, 400_000])
@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize("name", PREFIXES)
def test_s94_header_length_is_checked_before_parsing(db: None, name: str, pattern: str, size: int) -> None:
    value = (PREFIXES[name] + pattern * (size // len(pattern)) + '"')[:size]
    start = time.thread_time()
    status, headers, answer = call(**{name: value})
    assert time.thread_time() - start < MAX_CPU_SECONDS
    assert (status, headers["Content-Type"]) == (431, "application/json; charset=utf-8")
    assert answer["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize(("name", "size"), [("CONTENT_TYPE", 256), ("HTTP_ACCEPT", 1_024), ("HTTP_COOKIE", 8_192)])
def test_s94_longest_accepted_header_is_cheap_to_parse(
    db: None, settings: Any, name: str, size: int, pattern: str
) -> None:
    settings.GATEWAY_REFRESH_COOKIE = True
    value = (PREFIXES[name] + pattern * size)[: size - 1] + '"'
    start = time.thread_time()
    assert call(**{name: value})[0] != 431
    assert time.thread_time() - start < MAX_CPU_SECONDS


def test_longest_access_token_is_accepted(db: None) -> None:
    status, _, answer = call(HTTP_AUTHORIZATION=f"Bearer {'a' * 16_384}")
    assert (status, answer) == (200, {"data": {"__typename": "Query"}})


def test_refusal_names_the_header_and_its_limit(db: None) -> None:
    _, headers, answer = call(CONTENT_TYPE="a" * 257)
    assert answer["errors"][0]["message"] == "The Content-Type header is longer than 256 characters."
    assert headers["Cache-Control"] == "no-store"
