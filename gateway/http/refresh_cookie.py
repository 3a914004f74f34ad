"""Cookie mode: the refresh token in a cookie that no script can read, and that no other site can ride on.

1. The cookie serves `refreshToken` and `revokeToken` alone; who asks is told by the Authorization header.
   Both are mutations, and so come by POST as `application/json`, which no form can send and no script of
   another origin without a preflight: that asks us, and we answer for the allowed origins alone.
2. Lest all hang on that, the request must also say where it comes from: an `Origin` that is allowed, or our
   own. Browsers send it with every POST and let no script write it. `null` is nobody's.
3. A mutation of a foreign page is refused whether or not it brings the cookie, before anything is done: a
   sign-in would leave a cookie of a stranger's account in the visitor's browser.
4. A second cookie, signed, says who signed in on this device before; it only spares them strangers' limits.
5. `__Host-` makes browsers refuse the cookie from a neighbouring host, from plain http, or for a whole domain.
"""

import time

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from users.caller import Keeper
from users.errors import Forbidden

SALT = "gateway.device"
DEVICE_SECONDS = 365 * 86_400


def read(request: HttpRequest) -> Keeper | None:
    """What keeps this request's refresh token; nothing outside of cookie mode."""
    if not settings.GATEWAY_REFRESH_COOKIE:
        return None
    device, *users = _device(request)
    return Keeper(
        brought=request.COOKIES.get(name(request)), is_trusted=is_trusted(request), device=device, users=tuple(users)
    )


def write(request: HttpRequest, response: HttpResponseBase, keeper: Keeper) -> None:
    """Let the browser keep, or forget, what the rules said."""
    if keeper.left is not None:
        _set(request, response, name(request), keeper.left, max(0, keeper.until - int(time.time())))
    if keeper.is_new_to_device:
        known = signing.dumps([keeper.device, *keeper.users], salt=SALT)
        _set(request, response, name(request, "device"), known, DEVICE_SECONDS)


def guard(request: HttpRequest) -> None:
    """In cookie mode, refuse a mutation that comes from a page of an origin that is not allowed."""
    if not settings.GATEWAY_REFRESH_COOKIE or is_trusted(request):
        return
    site = request.META.get("HTTP_SEC_FETCH_SITE", "none")
    if "HTTP_ORIGIN" in request.META or site not in {"none", "same-origin"}:
        raise Forbidden(
            "In cookie mode, only pages of the gateway's own origin and of CORS_ALLOWED_ORIGINS may send mutations. "
            "Add the origin of this page to CORS_ALLOWED_ORIGINS."
        )


def is_trusted(request: HttpRequest) -> bool:
    """Whether the request comes from a page of an allowed origin, or from the gateway's own explorer."""
    origin = request.META.get("HTTP_ORIGIN")
    return origin in {*settings.CORS_ALLOWED_ORIGINS, f"{request.scheme}://{request.get_host()}"}


def is_in_the_clear(request: HttpRequest) -> bool:
    """Whether this is plain http on a developer's machine, where not every browser takes a secure cookie."""
    return bool(settings.DEBUG) and not request.is_secure()


def name(request: HttpRequest, what: str = "refresh-token") -> str:
    """The cookie's name; its prefix makes browsers hold us to what the attributes promise."""
    if is_in_the_clear(request):
        return what
    return f"__Host-{what}" if settings.GATEWAY_COOKIE_PATH == "/" else f"__Secure-{what}"


def _set(request: HttpRequest, response: HttpResponseBase, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=settings.GATEWAY_COOKIE_PATH,
        secure=not is_in_the_clear(request),
        httponly=True,
        samesite=settings.GATEWAY_COOKIE_SAMESITE,  # type: ignore[arg-type]
    )


def _device(request: HttpRequest) -> list[str]:
    try:
        known: list[str] = signing.loads(
            request.COOKIES.get(name(request, "device"), ""), salt=SALT, max_age=DEVICE_SECONDS
        )
    except signing.BadSignature:
        return [""]
    return known
