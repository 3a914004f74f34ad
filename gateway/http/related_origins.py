"""The related origins: other websites whose pages may use the passkeys of this gateway."""

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.views.decorators.http import require_safe

from gateway.conf.passkeys import is_below


@require_safe
def related_origins(request: HttpRequest) -> HttpResponse:
    """Return the origins outside of the RP id (WebAuthn Level 3, section 5.11). Browsers fetch it from the RP id."""
    rp_id = settings.GATEWAY_PASSKEY_RP_ID
    if not rp_id:
        return HttpResponseNotFound()
    origins = [origin for origin in settings.GATEWAY_PASSKEY_ORIGINS if not is_below(origin, rp_id)]
    return HttpResponse(orjson.dumps({"origins": origins}), content_type="application/json")
