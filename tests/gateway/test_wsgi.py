"""The WSGI application limits the length of headers."""

import io
import time
from typing import Any

import orjson
import pytest

from gateway import wsgi

# The dearest header costs about 300 plain requests where Python unquotes cookies in quadratic time (before 3.11.10).
# Without the limits, a header of 64 KB costs thousands.
MAX_PLAIN_REQUESTS = 1_000
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
    response = wsgi.application(environ, lambda *arguments: started.extend(arguments))
    try:
        return int(started[0].split()[0]), dict(started[1]), orjson.loads(b"".join(response))
    finally:
        getattr(response, "close", lambda: None)()


def cpu_seconds(**variables: str) -> float:
    """Return the CPU time of one accepted request with these WSGI variables."""
    start = time.thread_time()
    status, _, _ = call(**variables)
    seconds = time.thread_time() - start
    assert status != 431
    return seconds


@pytest.mark.parametrize("size", [64_000, 400_000])
@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize("name", PREFIXES)
def test_s94_header_length_is_checked_before_parsing(
    monkeypatch: pytest.MonkeyPatch, name: str, pattern: str, size: int
) -> None:
    def parse(*_: Any) -> Any:
        pytest.fail("Django received the header.")

    monkeypatch.setattr(wsgi, "django_application", parse)
    value = (PREFIXES[name] + pattern * (size // len(pattern)) + '"')[:size]
    status, headers, answer = call(**{name: value})
    assert (status, headers["Content-Type"]) == (431, "application/json; charset=utf-8")
    assert answer["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize("name", ["CONTENT_TYPE", "HTTP_ACCEPT", "HTTP_COOKIE"])
def test_s94_longest_accepted_header_is_cheap_to_parse(db: None, settings: Any, name: str, pattern: str) -> None:
    settings.GATEWAY_REFRESH_COOKIE = True
    size = wsgi.MAX_HEADER_LENGTHS.get(name, wsgi.MAX_HEADER_LENGTH)
    value = (PREFIXES[name] + pattern * size)[: size - 1] + '"'
    plain = min(cpu_seconds() for _ in range(3))
    # Other processes slow down single runs, so one cheap run is enough.
    assert any(cpu_seconds(**{name: value}) < MAX_PLAIN_REQUESTS * plain for _ in range(3))


def test_longest_access_token_is_accepted(db: None) -> None:
    status, _, answer = call(HTTP_AUTHORIZATION=f"Bearer {'a' * 16_384}")
    assert (status, answer) == (200, {"data": {"__typename": "Query"}})


def test_refusal_names_the_header_and_its_limit(db: None) -> None:
    _, headers, answer = call(CONTENT_TYPE="a" * 257)
    assert answer["errors"][0]["message"] == "The Content-Type header is longer than 256 characters."
    assert headers["Cache-Control"] == "no-store"
