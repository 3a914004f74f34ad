"""GraphQL requests as they come over HTTP, taken apart into the parameters that the specification names."""

from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, UnreadablePostError
from django.utils.http import parse_header_parameters

from gateway.graphql.errors import BadRequest
from gateway.http.content_negotiation import JSON


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a request asks to execute."""

    query: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any] | None


def read_request(request: HttpRequest) -> Parameters | list[Parameters]:
    """Return the parameters of a request: from the body of a POST, from the URL of a GET."""
    if request.method == "POST":
        body = _json_body(request)
        return _batch(body) if isinstance(body, list) else _parameters(body)
    given: dict[str, Any] = {name: request.GET[name] for name in ("query", "operationName") if name in request.GET}
    for name in ("variables", "extensions"):
        if request.GET.get(name):
            given[name] = _json(request.GET[name].encode("utf-8", "surrogatepass"), name)
    return _parameters(given)


def _batch(items: list[Any]) -> list[Parameters]:
    most = settings.GATEWAY_MAX_BATCH
    if not most:
        raise BadRequest("Batches are not served here: send one operation a request.")
    if not 0 < len(items) <= most:
        raise BadRequest(f"A batch has 1 to {most} operations.")
    return [_parameters(item) for item in items]


def _parameters(given: Any) -> Parameters:
    if not isinstance(given, dict):
        raise BadRequest("The body must be a JSON object.")
    return Parameters(
        query=_typed(given, "query", str, "a text"),
        variables=_typed(given, "variables", dict, "an object"),
        operation_name=_typed(given, "operationName", str, "a text") or None,
        extensions=_typed(given, "extensions", dict, "an object"),
    )


def _typed(given: dict[str, Any], name: str, kind: type, wanted: str) -> Any:
    value = given.get(name)
    if value is not None and not isinstance(value, kind):
        raise BadRequest(f"`{name}` must be {wanted}.")
    return value


def _json_body(request: HttpRequest) -> Any:
    if not _is_json(request.META.get("CONTENT_TYPE", "")):
        raise BadRequest("The body must be application/json in UTF-8.", 415, Accept="application/json")
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise BadRequest("The body must not be compressed.", 415, **{"Accept-Encoding": "identity"})
    return _json(_body(request), "the body")


def _is_json(kind: str) -> bool:
    if kind == JSON:
        return True
    media, parameters = parse_header_parameters(kind)
    return media == JSON and parameters.get("charset", "utf-8").lower() in {"utf-8", "utf8"}


def _body(request: HttpRequest) -> bytes:
    most = settings.GATEWAY_MAX_BODY
    try:
        # Django reads no body without a length; a chunked one is read here, and no further than it may go.
        if "CONTENT_LENGTH" not in request.META and "HTTP_TRANSFER_ENCODING" in request.META:
            body = request.META["wsgi.input"].read(most + 1)
        else:
            body = request.read(most + 1)
    except (UnreadablePostError, OSError):
        raise BadRequest("The body did not arrive.") from None
    if len(body) > most:
        raise BadRequest(f"The body is larger than {most} bytes.", 413)
    return bytes(body)


def _json(text: bytes, what: str) -> Any:
    # This reader refuses what the database would choke on later: lone surrogates, numbers beyond a double.
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest(f"{what[0].upper()}{what[1:]} must be JSON.") from None
