"""Cookie mode: the refresh token in an HttpOnly cookie, protected against cross-site request forgery.

1. Only `refreshToken` and `revokeToken` read the cookie. The Authorization header identifies the caller. Mutations need
   POST with `application/json`, which an HTML form cannot send and a script of another origin needs a preflight for.
2. In addition, the `Origin` header of such a request must be the gateway's own origin or in CORS_ALLOWED_ORIGINS.
   Browsers send it with every POST request, and scripts cannot change it. `null` is not trusted.
3. Every mutation of another origin is refused, with or without the cookie. Otherwise a foreign page could sign its
   visitor in to an account of the attacker.
4. A second, signed cookie contains the users who have signed in on this device. Its only effect is that they do not
   share the rate limits of unknown devices.
5. With the prefix `__Host-` browsers refuse the cookie from a sibling domain, over plain HTTP, or for a whole domain.
"""

import time

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from users.caller import RefreshCookie
from users.errors import Forbidden

REFRESH_TOKEN = "refresh-token"
DEVICE = "device"
DEVICE_SALT = "gateway.device"
DEVICE_MAX_AGE = 365 * 86_400


def read_cookies(request: HttpRequest) -> RefreshCookie | None:
    """Return the refresh token and the device of a request, or None outside of cookie mode."""
    if not settings.GATEWAY_REFRESH_COOKIE:
        return None
    device, *users = _read_device(request)
    return RefreshCookie(
        received=request.COOKIES.get(cookie_name(request, REFRESH_TOKEN)),
        is_trusted=is_trusted_origin(request),
        device=device,
        device_users=tuple(users),
    )


def set_cookies(request: HttpRequest, response: HttpResponseBase, cookie: RefreshCookie) -> None:
    """Set or delete the cookies that a resolver changed."""
    if cookie.to_set is not None:
        _set_cookie(request, response, REFRESH_TOKEN, cookie.to_set, max(0, cookie.expires_at - int(time.time())))
    if cookie.is_new_on_device:
        device = signing.dumps([cookie.device, *cookie.device_users], salt=DEVICE_SALT)
        _set_cookie(request, response, DEVICE, device, DEVICE_MAX_AGE)


def require_trusted_origin(request: HttpRequest) -> None:
    """In cookie mode, raise Forbidden if a page of another origin sent the request."""
    if not settings.GATEWAY_REFRESH_COOKIE or is_trusted_origin(request):
        return
    site = request.META.get("HTTP_SEC_FETCH_SITE", "none")
    if "HTTP_ORIGIN" in request.META or site not in {"none", "same-origin"}:
        raise Forbidden(
            "In cookie mode, only pages of the gateway's own origin and of CORS_ALLOWED_ORIGINS may send mutations. "
            "Add the origin of this page to CORS_ALLOWED_ORIGINS."
        )


def is_trusted_origin(request: HttpRequest) -> bool:
    """Return whether the Origin header is the gateway's own origin or in CORS_ALLOWED_ORIGINS."""
    origin = request.META.get("HTTP_ORIGIN")
    return origin in {*settings.CORS_ALLOWED_ORIGINS, f"{request.scheme}://{request.get_host()}"}


def is_plain_http(request: HttpRequest) -> bool:
    """Return whether this is plain HTTP in development, where some browsers refuse Secure cookies."""
    return bool(settings.DEBUG) and not request.is_secure()


def cookie_name(request: HttpRequest, name: str) -> str:
    """Return the name with the prefix that makes browsers enforce the cookie's attributes."""
    if is_plain_http(request):
        return name
    return f"__Host-{name}" if settings.GATEWAY_COOKIE_PATH == "/" else f"__Secure-{name}"


def _set_cookie(request: HttpRequest, response: HttpResponseBase, name: str, value: str, max_age: int) -> None:
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=max_age,
        path=settings.GATEWAY_COOKIE_PATH,
        secure=not is_plain_http(request),
        httponly=True,
        samesite=settings.GATEWAY_COOKIE_SAMESITE,  # type: ignore[arg-type]
    )


def _read_device(request: HttpRequest) -> list[str]:
    cookie = request.COOKIES.get(cookie_name(request, DEVICE), "")
    try:
        device: list[str] = signing.loads(cookie, salt=DEVICE_SALT, max_age=DEVICE_MAX_AGE)
    except signing.BadSignature:
        return [""]
    return device
