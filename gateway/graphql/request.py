"""Reads the parameters of GraphQL requests, as the GraphQL over HTTP specification defines them."""

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
    """The parameters of a GraphQL request."""

    query: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any] | None


def read_request(request: HttpRequest) -> Parameters | list[Parameters]:
    """Return the parameters of a request: from the body of a POST, from the URL of a GET."""
    if request.method == "POST":
        body = _read_json_body(request)
        return _read_batch(body) if isinstance(body, list) else _read_parameters(body)
    parameters: dict[str, Any] = {name: request.GET[name] for name in ("query", "operationName") if name in request.GET}
    for name in ("variables", "extensions"):
        if request.GET.get(name):
            parameters[name] = _parse_json(request.GET[name].encode("utf-8", "surrogatepass"), f"`{name}`")
    return _read_parameters(parameters)


def _read_batch(items: list[Any]) -> list[Parameters]:
    max_operations = settings.GATEWAY_MAX_BATCH
    if not max_operations:
        raise BadRequest("Batches are disabled. Send one operation per request.")
    if not 0 < len(items) <= max_operations:
        raise BadRequest(f"A batch must have 1 to {max_operations} operations.")
    return [_read_parameters(item) for item in items]


def _read_parameters(content: Any) -> Parameters:
    if not isinstance(content, dict):
        raise BadRequest("The body must be a JSON object.")
    return Parameters(
        query=_get_typed(content, "query", str, "a string"),
        variables=_get_typed(content, "variables", dict, "an object"),
        operation_name=_get_typed(content, "operationName", str, "a string") or None,
        extensions=_get_typed(content, "extensions", dict, "an object"),
    )


def _get_typed(content: dict[str, Any], name: str, type_: type, description: str) -> Any:
    value = content.get(name)
    if value is not None and not isinstance(value, type_):
        raise BadRequest(f"`{name}` must be {description}.")
    return value


def _read_json_body(request: HttpRequest) -> Any:
    if not _is_json(request.META.get("CONTENT_TYPE", "")):
        raise BadRequest("The body must be application/json in UTF-8.", 415, Accept="application/json")
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise BadRequest(
            "The body must not be compressed. Remove the Content-Encoding header.",
            415,
            **{"Accept-Encoding": "identity"},
        )
    return _parse_json(_read_body(request), "The body")


def _is_json(content_type: str) -> bool:
    if content_type == JSON:
        return True
    media_type, parameters = parse_header_parameters(content_type)
    return media_type == JSON and parameters.get("charset", "utf-8").lower() in {"utf-8", "utf8"}


def _read_body(request: HttpRequest) -> bytes:
    max_length = settings.GATEWAY_MAX_BODY
    try:
        # Django reads no body without a Content-Length, so a chunked body is read here.
        if "CONTENT_LENGTH" not in request.META and "HTTP_TRANSFER_ENCODING" in request.META:
            body = request.META["wsgi.input"].read(max_length + 1)
        else:
            body = request.read(max_length + 1)
    except (UnreadablePostError, OSError):
        raise BadRequest("The body of the request is incomplete.") from None
    if len(body) > max_length:
        raise BadRequest(f"The body is larger than {max_length} bytes.", 413)
    return bytes(body)


def _parse_json(text: bytes, name: str) -> Any:
    # orjson refuses lone surrogates and numbers beyond a double, which the database could not store.
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest(f"{name} must be JSON.") from None
