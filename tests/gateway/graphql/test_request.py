"""Request bodies and query strings, valid and invalid."""

import gzip
import io
import json
from typing import Any

import orjson
import pytest
from django.http import HttpRequest, UnreadablePostError
from django.test import Client, RequestFactory
from django.test.client import ClientHandler
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from tests.api import Answer, Api

JSON = "application/json"
GOOD = b'{"query": "{ __typename }"}'
SERVER_TEXTS = ("Traceback", "orjson", "Python", "Error:", "codec", "line 1", "utf-8 ", "django")

BODIES = {
    "white space": b" \n",
    "no JSON": b"query { me }",
    "form fields": b"query={__typename}",
    "cut short": b'{"query": "{ __typ',
    "two values": GOOD + GOOD,
    "bad UTF-8": b'{"query": "\xff\xfe"}',
    "an overlong NUL": b'{"query": "\xc0\x80"}',
    "UTF-16": GOOD.decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "NULs": b"\x00" * 100,
    "a NUL after the body": GOOD + b"\x00",
    "gzip": gzip.compress(GOOD),
    "lists nested deeply": b"[" * 100_000,
    "lists nested deeply and closed": b"[" * 50_000 + b"]" * 50_000,
    "objects nested deeply": b'{"a":' * 19_999 + b"1" + b"}" * 4,
    "variables nested deeply": b'{"query":"{__typename}","variables":' + b'{"a":' * 9_999 + b"1" + b"}" * 10_000,
    "a lone surrogate": b'{"query": "{ __typename }", "operationName": "\\ud800"}',
    "a lone surrogate in a variable": b'{"query": "{ __typename }", "variables": {"a": "\\udfff"}}',
    "a number beyond a double": b'{"query": "{ __typename }", "variables": {"a": 1e400}}',
    "a number of 401 digits": b'{"query": "{ __typename }", "variables": {"a": 1' + b"0" * 400 + b"}}",
    "not a number": b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    "infinity": b'{"query": "{ __typename }", "variables": {"a": Infinity}}',
    "a batch of numbers": b"[1]",
    "a batch": b"[" + GOOD + b"]",
    "an empty batch": b"[]",
    "a number": b"1",
    "a text": b'"{ __typename }"',
    "null": b"null",
    "true": b"true",
    "no query": b"{}",
    "an empty query": b'{"query": ""}',
    "query: null": b'{"query": null}',
    "query: 123": b'{"query": 123}',
    "query: []": b'{"query": ["{ __typename }"]}',
    "query: {}": b'{"query": {}}',
    "query: false": b'{"query": false}',
    "variables: []": b'{"query": "{ __typename }", "variables": []}',
    "variables: a text": b'{"query": "{ __typename }", "variables": "{}"}',
    "variables: 0": b'{"query": "{ __typename }", "variables": 0}',
    "operationName: 5": b'{"query": "{ __typename }", "operationName": 5}',
    "operationName: []": b'{"query": "{ __typename }", "operationName": []}',
    "extensions: []": b'{"query": "{ __typename }", "extensions": []}',
    "extensions: a text": b'{"query": "{ __typename }", "extensions": "x"}',
}


@pytest.mark.parametrize("name", BODIES)
def test_s70_s17_invalid_body_is_refused_with_our_message(api: Api, name: str) -> None:
    answer = api.post(BODIES[name], Accept="application/graphql-response+json")
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert answer.response["Content-Type"] == "application/json; charset=utf-8"
    assert not [each for each in SERVER_TEXTS if each in answer.error["message"]]
    assert len(answer.response.content) < 200


def test_s22_error_says_that_batches_are_disabled(api: Api) -> None:
    assert api.post(b"[" + GOOD + b"]").error["message"].startswith("Batches are disabled. Send one operation")


def test_s70_empty_body_is_refused(db: None) -> None:
    answer = Answer(Client().generic("POST", "/graphql", b"", CONTENT_TYPE=JSON, CONTENT_LENGTH="0"))
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"variables": None, "operationName": None, "extensions": None}, id="nulls"),
        pytest.param({"variables": {}, "operationName": "", "extensions": {}}, id="empty"),
        pytest.param({"extensions": {"clientLibrary": {"name": "@apollo/client"}}}, id="a client's own extensions"),
        pytest.param({"variables": {"a": 10**300}}, id="a large number that nobody uses"),
        pytest.param({"id": 1, "anything": [None]}, id="what nobody knows"),
    ],
)
def test_body_may_have_unknown_members(api: Api, more: dict[str, Any]) -> None:
    sent = json.dumps({"query": "{ __typename }", **more}).encode()
    assert api.post(sent).data == {"__typename": "Query"}


# --- Content-Type --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "text/plain;application/json",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/graphql+json",
        "application/graphql-response+json",
        "application/jsonx",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "*/*",
    ],
)
def test_s75_only_json_is_read(api: Api, kind: str) -> None:
    answer = api.post(GOOD, content_type=kind)
    assert (answer.status, answer.code) == (415, "BAD_REQUEST")
    assert answer.response["Accept"] == "application/json"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_s75_html_form_of_another_site_cannot_sign_in(api: Api, kind: str) -> None:
    api.new_member()
    sent = b'mutation { tokenAuth(username: "alice", password: "correct horse battery staple") { token } }'
    for body in (orjson.dumps({"query": sent.decode()}), b"query=" + sent):
        assert api.post(body, content_type=kind).status == 415


def test_s75_body_without_a_content_type_is_refused(db: None) -> None:
    answer = Client().generic("POST", "/graphql", GOOD, content_type="")
    assert Answer(answer).status == 415


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON",
        "application/json;",
        "application/json;charset=utf-8",
        "application/json ; charset=UTF-8",
        'application/json; charset="utf-8"',
    ],
)
def test_content_type_of_json_has_several_spellings(api: Api, kind: str) -> None:
    assert api.post(GOOD, content_type=kind).data == {"__typename": "Query"}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x-gzip", "gzip, identity"])
def test_s70_compressed_body_is_refused_without_reading_it(api: Api, encoding: str) -> None:
    bomb = gzip.compress(b" " * 1_000_000)
    answer = api.post(bomb, Content_Encoding=encoding)
    assert (answer.status, answer.code) == (415, "BAD_REQUEST")
    assert answer.response["Accept-Encoding"] == "identity"


def test_identity_content_encoding_is_accepted(api: Api) -> None:
    assert api.post(GOOD, Content_Encoding="Identity").data


# --- size ----------------------------------------------------------------------------------------


def sized(size: int) -> bytes:
    return GOOD + b" " * (size - len(GOOD))


class Stream(io.BytesIO):
    """A body without a Content-Length. It records how much was read."""

    asked = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0, "a body without end would fill the memory"
        self.asked += size
        return super().read(size)


def chunked(stream: Stream) -> Answer:
    """Return the response to a chunked body, which Django's test client cannot send."""
    factory = RequestFactory()
    request = {"PATH_INFO": "/graphql", "REQUEST_METHOD": "POST", "CONTENT_TYPE": JSON, "wsgi.input": stream}
    environ = factory._base_environ(**request, HTTP_TRANSFER_ENCODING="chunked")
    return Answer(ClientHandler()(environ))


@pytest.mark.parametrize(("size", "status"), [(100_000, 200), (100_001, 413), (20_000_000, 413)])
def test_s71_large_body_is_refused(api: Api, size: int, status: int) -> None:
    answer = api.post(sized(size))
    assert answer.status == status
    assert status == 200 or answer.code == "BAD_REQUEST"


@pytest.mark.parametrize(("size", "status"), [(100_000, 200), (100_001, 413), (20_000_000, 413)])
def test_s71_chunked_body_is_read_up_to_the_limit(api: Api, size: int, status: int) -> None:
    stream = Stream(sized(size))
    assert chunked(stream).status == status
    assert stream.asked == 100_001


def test_maximum_body_size_is_a_setting(api: Api, settings: Any) -> None:
    settings.GATEWAY_MAX_BODY = 1_000
    assert (api.post(sized(1_000)).status, api.post(sized(1_001)).status) == (200, 413)


@pytest.mark.parametrize("error", [UnreadablePostError, ConnectionResetError])
def test_incomplete_body_is_a_bad_request(api: Api, monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def break_off(request: HttpRequest, *size: int) -> bytes:
        raise error("secret words")

    monkeypatch.setattr(HttpRequest, "read", break_off)
    answer = api.post(GOOD)
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert "secret words" not in answer.response.content.decode()


@pytest.mark.parametrize("length", ["abc", "-5", "0", ""])
def test_invalid_content_length_reads_no_body(db: None, length: str) -> None:
    answer = Client().generic("POST", "/graphql", GOOD, content_type=JSON, CONTENT_LENGTH=length)
    assert (Answer(answer).status, Answer(answer).code) == (400, "BAD_REQUEST")


# --- query strings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"query": ""}, id="an empty query"),
        pytest.param({"variables": "{}"}, id="no query"),
        pytest.param({"query": "{ __typename }", "variables": "[]"}, id="variables: a list"),
        pytest.param({"query": "{ __typename }", "variables": "{"}, id="variables: no JSON"),
        pytest.param({"query": "{ __typename }", "variables": '"\x00"'}, id="variables: a NUL"),
        pytest.param({"query": "{ __typename }", "variables": '{"a": 1e400}'}, id="variables: a number too large"),
        pytest.param({"query": "{ __typename }", "extensions": "7"}, id="extensions: a number"),
        pytest.param({"query": "{ __typename }", "extensions": "[" * 5_000}, id="extensions: nested deeply"),
    ],
)
def test_s70_invalid_query_string_is_refused(api: Api, parameters: dict[str, str]) -> None:
    answer = api.get(**parameters)
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert not [each for each in SERVER_TEXTS if each in answer.error["message"]]


@pytest.mark.parametrize("text", ["%FF%FE", "%00", "%ED%A0%80", "{%C0%80}", "%F4%90%80%80"])
def test_s17_query_string_with_invalid_utf8_is_refused(api: Api, text: str) -> None:
    answer = Answer(api.client.get(f"/graphql?query={text}"))
    assert answer.code == "GRAPHQL_PARSE_FAILED"


# --- generated requests --------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
REQUESTS = st.fixed_dictionaries(
    {"query": VALUES | st.just("{ __typename }") | st.just("query ($a: String!) { me { id } }")},
    optional={"variables": VALUES, "operationName": VALUES, "extensions": VALUES},
)
FEW = how(
    max_examples=75,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def check(answer: Answer) -> None:
    assert answer.status < 500
    assert answer.response["Content-Type"].startswith("application/")
    assert "data" in answer.json or all(each["extensions"]["code"] for each in answer.json["errors"])
    assert "INTERNAL_SERVER_ERROR" not in answer.response.content.decode()


@FEW
@given(sent=st.binary() | st.text().map(str.encode) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_s70_no_body_causes_an_internal_error(api: Api, sent: bytes) -> None:
    check(api.post(sent))


@FEW
@given(sent=REQUESTS)
def test_s70_no_request_causes_an_internal_error(api: Api, sent: dict[str, Any]) -> None:
    check(api.post(json.dumps(sent).encode()))
    check(chunked(Stream(json.dumps(sent).encode())))


@FEW
@given(parameters=st.dictionaries(st.sampled_from(["query", "variables", "operationName", "extensions"]), st.text()))
def test_s70_no_query_string_causes_an_internal_error(api: Api, parameters: dict[str, str]) -> None:
    readable = {name: value.encode("utf-8", "replace").decode() for name, value in parameters.items()}
    check(api.get(**readable))
