"""System checks: settings that are unsafe, or that contradict each other, stop the start."""

from ipaddress import ip_address
from time import time
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from gateway.graphql import persisted
from users import secret_keys
from users.sessions import key_ring

MIN_SECRET_LENGTH = 50
MAX_ACCESS_MINUTES = 15
MAX_RESET_MINUTES = 60
MIN_PASSWORD_LENGTHS = (8, 64)
MAX_GRAPHQL_INT = 2**31 - 1
# Seconds. A process that has run for a year must still be able to open sessions.
MAX_UPTIME = 365 * 86_400

Errors = list[CheckMessage]


@register(Tags.security)
def check_atomic_requests(**_: Any) -> Errors:
    """A refusal would roll back the count of failed attempts and the audit event."""
    if any(database.get("ATOMIC_REQUESTS") for database in settings.DATABASES.values()):
        message = "ATOMIC_REQUESTS must be off: otherwise errors roll back rate limits and events."
        return [Error(message, id="gateway.E001")]
    return []


@register(Tags.security)
def check_wildcard_with_credentials(**_: Any) -> Errors:
    """Every website could send requests as its visitor."""
    if settings.CORS_ALLOW_ALL_ORIGINS and settings.CORS_ALLOW_CREDENTIALS:
        message = "CORS_ALLOWED_ORIGINS=* and CORS_ALLOW_CREDENTIALS exclude each other: list the origins."
        return [Error(message, id="gateway.E002")]
    return []


@register(Tags.security)
def check_secret_length(**_: Any) -> Errors:
    """Refresh tokens and encrypted keys are as strong as the secret they are derived from."""
    if any(len(secret) < MIN_SECRET_LENGTH for secret in secret_keys.secrets()):
        message = f"SECRET_KEY and SECRET_KEY_FALLBACKS must have at least {MIN_SECRET_LENGTH} characters each."
        return [Error(message, id="gateway.E003")]
    return []


@register(Tags.security)
def check_signing_keys(**_: Any) -> Errors:
    """Otherwise the first sign-in would fail instead of the start."""
    try:
        keys = key_ring.read_setting() if settings.GATEWAY_SIGNING_KEYS else []
    except (OSError, ValueError) as error:
        # The message of an OSError contains the value of the setting, which may be a private key.
        reason = "the file cannot be read" if isinstance(error, OSError) else str(error)
        return [Error(f"GATEWAY_SIGNING_KEYS: {reason}.", id="gateway.E004")]
    if keys and keys[0].algorithm != settings.GATEWAY_SIGNING_ALGORITHM:
        message = (
            f"The first key of GATEWAY_SIGNING_KEYS is for {keys[0].algorithm}, "
            f"but GATEWAY_SIGNING_ALGORITHM is {settings.GATEWAY_SIGNING_ALGORITHM}."
        )
        return [Error(message, id="gateway.E005")]
    return []


@register(Tags.security)
def check_allowed_hosts(**_: Any) -> Errors:
    """A forged Host header would be accepted."""
    if "*" in settings.ALLOWED_HOSTS and not settings.DEBUG:
        return [Error("ALLOWED_HOSTS must list host names, not *.", id="gateway.E006")]
    return []


@register(Tags.security)
def check_lifetimes(**_: Any) -> Errors:
    """Services accept an access token until it expires; the other lifetimes must contain each other."""
    errors: Errors = []
    if settings.GATEWAY_ACCESS_LIFETIME.total_seconds() > MAX_ACCESS_MINUTES * 60:
        message = f"GATEWAY_ACCESS_LIFETIME must be at most {MAX_ACCESS_MINUTES}m."
        errors.append(Error(message, id="gateway.E007"))
    lifetimes = [
        settings.GATEWAY_REFRESH_GRACE,
        settings.GATEWAY_ACCESS_LIFETIME,
        settings.GATEWAY_REFRESH_IDLE,
        settings.GATEWAY_REFRESH_ABSOLUTE,
    ]
    if lifetimes != sorted(lifetimes):
        message = (
            "The lifetimes must increase: GATEWAY_REFRESH_GRACE, GATEWAY_ACCESS_LIFETIME, GATEWAY_REFRESH_IDLE, "
            "GATEWAY_REFRESH_ABSOLUTE."
        )
        errors.append(Error(message, id="gateway.E008"))
    return errors


@register(Tags.security)
def check_atomic_mutations(**_: Any) -> Errors:
    """It does not roll back on exceptions, and the account rules open their own transactions."""
    graphene_setting = getattr(settings, "GRAPHENE", {}).get("ATOMIC_MUTATIONS")
    if graphene_setting or any(database.get("ATOMIC_MUTATIONS") for database in settings.DATABASES.values()):
        message = "ATOMIC_MUTATIONS must be off: mutations open their own transactions."
        return [Error(message, id="gateway.E009")]
    return []


@register(Tags.security)
def check_password_length(**_: Any) -> Errors:
    """Shorter passwords can be guessed (ASVS 6.2.1)."""
    shortest, longest = MIN_PASSWORD_LENGTHS
    if not shortest <= settings.GATEWAY_PASSWORD_MIN_LENGTH <= longest:
        message = f"GATEWAY_PASSWORD_MIN_LENGTH must be between {shortest} and {longest}."
        return [Error(message, id="gateway.E010")]
    return []


@register(Tags.security)
def check_trusted_documents(**_: Any) -> Errors:
    """Without the file every request would fail."""
    if settings.GATEWAY_TRUSTED_DOCUMENTS:
        try:
            persisted.load_trusted(settings.GATEWAY_TRUSTED_DOCUMENTS)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            message = "GATEWAY_TRUSTED_DOCUMENTS must be a JSON file: a map of id to document, or Apollo's manifest."
            return [Error(message, id="gateway.E011")]
    return []


@register(Tags.security)
def check_breach_url(**_: Any) -> Errors:
    """Plain HTTP would reveal the hash prefixes of passwords to the network."""
    url = settings.GATEWAY_BREACH_URL
    if url and not (_is_private(url) and "{prefix}" in url):
        return [Error("GATEWAY_BREACH_URL must be an https:// URL that contains {prefix}.", id="gateway.E012")]
    return []


@register(Tags.security)
def check_threads(**_: Any) -> Errors:
    """A flood of sign-ins could occupy every thread."""
    if settings.GATEWAY_THREADS <= settings.GATEWAY_MAX_CONCURRENT_HASHES + settings.GATEWAY_HASH_QUEUE:
        message = "GATEWAY_THREADS must exceed GATEWAY_MAX_CONCURRENT_HASHES + GATEWAY_HASH_QUEUE."
        return [Error(message, id="gateway.E013")]
    return []


@register(Tags.security)
def check_cookie_credentials(**_: Any) -> Errors:
    """Browsers would neither send nor store the cookie for another origin."""
    if settings.GATEWAY_REFRESH_COOKIE and settings.CORS_ALLOWED_ORIGINS and not settings.CORS_ALLOW_CREDENTIALS:
        return [Error("GATEWAY_REFRESH_COOKIE requires CORS_ALLOW_CREDENTIALS.", id="gateway.E014")]
    return []


@register(Tags.security)
def check_cookie_origins(**_: Any) -> Errors:
    """The list of origins protects the cookie against cross-site request forgery."""
    if settings.GATEWAY_REFRESH_COOKIE and settings.CORS_ALLOW_ALL_ORIGINS:
        message = "CORS_ALLOWED_ORIGINS=* and GATEWAY_REFRESH_COOKIE exclude each other: list the origins."
        return [Error(message, id="gateway.E015")]
    return []


@register(Tags.security)
def check_cookie_samesite(**_: Any) -> Errors:
    """Browsers refuse such a cookie without HTTPS; without other origins it is only a risk."""
    is_useful = settings.CORS_ALLOWED_ORIGINS and not settings.DEBUG
    if settings.GATEWAY_REFRESH_COOKIE and settings.GATEWAY_COOKIE_SAMESITE == "None" and not is_useful:
        message = "GATEWAY_COOKIE_SAMESITE=None requires CORS_ALLOWED_ORIGINS, and DJANGO_DEBUG=off for HTTPS."
        return [Error(message, id="gateway.E016")]
    return []


@register(Tags.security)
def check_email_backend(**_: Any) -> Errors:
    """Emails in the log contain password reset tokens."""
    if not settings.DEBUG and not settings.EMAIL_BACKEND.endswith((".smtp.EmailBackend", ".locmem.EmailBackend")):
        message = "EMAIL_URL must be a mail server when DJANGO_DEBUG is off, for example smtp+tls://mail.example."
        return [Error(message, id="gateway.E017")]
    return []


@register(Tags.security)
def check_page_urls(**_: Any) -> Errors:
    """An attacker on the network could read the token in a link, or change the page that it opens."""
    names = ("GATEWAY_VERIFY_URL", "GATEWAY_RESET_URL", "GATEWAY_UNDO_URL", "GATEWAY_APP_URL")
    # The gateway's own pages use the scheme of the gateway itself.
    own_pages = f"{settings.GATEWAY_ISSUER}/account/"
    urls = {name: getattr(settings, name) for name in names}
    wrong = [name for name, url in urls.items() if url and not url.startswith((own_pages, "https://"))]
    if not settings.DEBUG and any(not _is_private(urls[name]) for name in wrong):
        return [Error(f"{', '.join(wrong)} must start with https://.", id="gateway.E018")]
    return []


@register(Tags.security)
def check_reset_lifetime(**_: Any) -> Errors:
    """Limits the use of a reset token from an old email (ASVS 6.4.1)."""
    if settings.GATEWAY_RESET_LIFETIME.total_seconds() > MAX_RESET_MINUTES * 60:
        return [Error(f"GATEWAY_RESET_LIFETIME must be at most {MAX_RESET_MINUTES}m.", id="gateway.E019")]
    return []


@register(Tags.security)
def check_metrics_port(**_: Any) -> Errors:
    """Metrics must not be public."""
    if settings.GATEWAY_METRICS_PORT and settings.GATEWAY_METRICS_PORT == settings.PORT:
        return [Error("GATEWAY_METRICS_PORT and PORT must be different ports.", id="gateway.E020")]
    return []


@register(Tags.security)
def check_debug_host(**_: Any) -> Errors:
    """DJANGO_DEBUG enables the admin and introspection, and prints mailed tokens."""
    if settings.DEBUG and not _is_loopback(settings.HOST):
        message = (
            f"HOST={settings.HOST} is open to the network, so DJANGO_DEBUG must be off. "
            "Set HOST=127.0.0.1, or set DJANGO_DEBUG=off and enable GraphiQL with GATEWAY_EXPLORER=on."
        )
        return [Error(message, id="gateway.E021")]
    return []


@register(Tags.security)
def check_refresh_end(**_: Any) -> Errors:
    """`refreshExpiresIn` is a Unix timestamp in a GraphQL Int, which ends in January 2038."""
    longest = int(MAX_GRAPHQL_INT - time() - MAX_UPTIME)
    if settings.GATEWAY_REFRESH_ABSOLUTE.total_seconds() > longest:
        message = f"GATEWAY_REFRESH_ABSOLUTE must be at most {longest // 86_400}d: refreshExpiresIn is a 32-bit Int."
        return [Error(message, id="gateway.E022")]
    return []


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_private(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"})
