"""The system check of the passkey settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from gateway.conf import passkeys


@register(Tags.security)
def check_passkey_origins(**_: Any) -> list[CheckMessage]:
    """Browsers would refuse every passkey, or the gateway would refuse the pages."""
    rp_id, origins = settings.GATEWAY_PASSKEY_RP_ID, settings.GATEWAY_PASSKEY_ORIGINS
    if not rp_id:
        message = (
            "GATEWAY_PASSKEY_ORIGINS requires GATEWAY_PASSKEY_RP_ID, for example GATEWAY_PASSKEY_RP_ID=example.com."
        )
        return [Error(message, id="gateway.E023")] if origins else []
    errors: list[CheckMessage] = []
    wrong = [origin for origin in origins if not passkeys.is_usable(origin)]
    if wrong:
        message = (
            f"GATEWAY_PASSKEY_ORIGINS={','.join(wrong)}: browsers allow passkeys only on https:// origins and on "
            "http://localhost. Write hosts in lower case, without a default port."
        )
        errors.append(Error(message, id="gateway.E024"))
    if not any(passkeys.is_below(origin, rp_id) for origin in origins):
        message = (
            f"No origin can use the passkeys of GATEWAY_PASSKEY_RP_ID={rp_id}: GATEWAY_PASSKEY_ORIGINS must contain "
            "an origin whose host is this domain or a subdomain of it."
        )
        errors.append(Error(message, id="gateway.E025"))
    return errors
