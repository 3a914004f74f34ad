"""The JWT middleware: the tokens of a request, put where resolvers look for their caller."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from gateway import addresses, cookies
from users import names, tokens
from users.caller import Caller, Keeper
from users.errors import Unauthenticated

PREFIXES = {"bearer", "jwt"}
USER_AGENT_LENGTH = 300


class JWTMiddleware:
    """Wraps the GraphQL view: `request.caller` before any resolver runs, the token unread until one asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        keeper = cookies.read(request)
        identify(request, keeper)
        response = self.get_response(request)
        if keeper:
            cookies.write(request, response, keeper)
        return response


def identify(request: HttpRequest, keeper: Keeper | None = None) -> None:
    """Fix who asks by the header alone: neither a cookie nor an answer of the same document changes it."""
    caller = Caller(
        ip_address=getattr(request, "client_address", None) or addresses.of_client(request.META),
        user_agent=names.printable(request.META.get("HTTP_USER_AGENT", ""), USER_AGENT_LENGTH),
        token=bearer(request.META.get("HTTP_AUTHORIZATION", "")),
        keeper=keeper,
    )
    request.caller = caller  # type: ignore[attr-defined]
    request.user = SimpleLazyObject(lambda: _user(caller))  # type: ignore[assignment]


def bearer(header: str) -> str | None:
    """The access token of an Authorization header, or None where there is none."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.lower() in PREFIXES else None


def _user(caller: Caller) -> object:
    try:
        return tokens.signed_in(caller).user
    except Unauthenticated:
        return AnonymousUser()
