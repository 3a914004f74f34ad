"""The JWT middleware: makes the caller of a request available to the resolvers."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from gateway.http import refresh_cookie
from gateway.http.client_ip import get_client_ip
from gateway.http.request_info import get_info
from users import normalization
from users.caller import Caller, RefreshCookie
from users.errors import Unauthenticated
from users.sessions import access_tokens

SCHEMES = {"bearer", "jwt"}
MAX_USER_AGENT_LENGTH = 300


class JWTMiddleware:
    """Sets `request.gateway.caller` for the GraphQL view. The token is verified when a resolver needs the user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        cookie = refresh_cookie.read_cookies(request)
        set_caller(request, cookie)
        response = self.get_response(request)
        if cookie:
            refresh_cookie.set_cookies(request, response, cookie)
        return response


def set_caller(request: HttpRequest, cookie: RefreshCookie | None = None) -> None:
    """Set the caller from the Authorization header. Neither a cookie nor a sign-in in the same document changes it."""
    caller = Caller(
        ip_address=get_info(request).client_ip or get_client_ip(request.META),
        user_agent=normalization.printable(request.META.get("HTTP_USER_AGENT", ""), MAX_USER_AGENT_LENGTH),
        token=bearer_token(request.META.get("HTTP_AUTHORIZATION", "")),
        refresh_cookie=cookie,
    )
    get_info(request).caller = caller
    request.user = SimpleLazyObject(lambda: _get_user(caller))  # type: ignore[assignment]


def bearer_token(header: str) -> str | None:
    """Return the access token of an Authorization header, or None."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.lower() in SCHEMES else None


def _get_user(caller: Caller) -> object:
    try:
        return access_tokens.signed_in(caller).user
    except Unauthenticated:
        return AnonymousUser()
