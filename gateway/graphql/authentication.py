"""The JWT middleware: identifies the caller of a request for the resolvers."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from gateway.http import client_ip, refresh_cookie
from gateway.http.request_info import info
from users import normalization
from users.caller import Caller, Keeper
from users.errors import Unauthenticated
from users.sessions import access_tokens

PREFIXES = {"bearer", "jwt"}
USER_AGENT_LENGTH = 300


class JWTMiddleware:
    """Wraps the GraphQL view and sets `request.gateway.caller`; a resolver that needs the user verifies the token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        keeper = refresh_cookie.read(request)
        identify(request, keeper)
        response = self.get_response(request)
        if keeper:
            refresh_cookie.write(request, response, keeper)
        return response


def identify(request: HttpRequest, keeper: Keeper | None = None) -> None:
    """Set the caller from the Authorization header; neither a cookie nor a sign-in in the same document changes it."""
    caller = Caller(
        ip_address=info(request).client_ip or client_ip.of_client(request.META),
        user_agent=normalization.printable(request.META.get("HTTP_USER_AGENT", ""), USER_AGENT_LENGTH),
        token=bearer(request.META.get("HTTP_AUTHORIZATION", "")),
        keeper=keeper,
    )
    info(request).caller = caller
    request.user = SimpleLazyObject(lambda: _user(caller))  # type: ignore[assignment]


def bearer(header: str) -> str | None:
    """Return the access token of an Authorization header, or None."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.lower() in PREFIXES else None


def _user(caller: Caller) -> object:
    try:
        return access_tokens.signed_in(caller).user
    except Unauthenticated:
        return AnonymousUser()
