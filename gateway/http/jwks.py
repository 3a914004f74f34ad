"""The JWK set: the public keys that other services verify access tokens with."""

from datetime import timedelta

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe

from users.sessions import key_ring, signing_keys


def _etag(request: HttpRequest) -> str:
    return f'"{"-".join(sorted(key_ring.get().by_kid))}"'


@require_safe
@condition(etag_func=_etag)
def jwks(request: HttpRequest) -> HttpResponse:
    """Return the JWK set (RFC 7517) of the previous, the current and the next signing key."""
    response = HttpResponse(orjson.dumps({"keys": key_ring.jwks()}), content_type="application/jwk-set+json")
    response["Cache-Control"] = f"public, max-age={signing_keys.JWKS_MAX_AGE // timedelta(seconds=1)}"
    return response
