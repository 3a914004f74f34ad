"""What `manage.py check` refuses: settings that are unsafe, or that cannot work together."""

from collections.abc import Sequence
from ipaddress import ip_address
from time import time
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags
from django.core.checks import register as register_check

from gateway.graphql import persisted
from users import secret_keys
from users.sessions import signing_keys

SHORTEST_SECRET = 50
MOST_ACCESS_MINUTES = 15
LONGEST_RESET_MINUTES = 60
MAX_GRAPHQL_INT = 2**31 - 1
# Sessions that a process opens a year after its start must fit as well.
LONGEST_UPTIME = 365 * 86_400

Found = list[CheckMessage]


def atomic_requests(**_: Any) -> Found:
    """With it on, a refusal rolls back what it must leave: the count of wrong guesses and their record."""
    if any(database.get("ATOMIC_REQUESTS") for database in settings.DATABASES.values()):
        return [Error("ATOMIC_REQUESTS must be off: a refusal would undo its own record.", id="gateway.E001")]
    return []


def wildcard_with_credentials(**_: Any) -> Found:
    """Every site could act for its visitors."""
    if settings.CORS_ALLOW_ALL_ORIGINS and settings.CORS_ALLOW_CREDENTIALS:
        return [Error("CORS_ALLOWED_ORIGINS=* cannot stand with CORS_ALLOW_CREDENTIALS.", id="gateway.E002")]
    return []


def short_secret(**_: Any) -> Found:
    """Refresh tokens and sealed keys are as strong as the secret they are derived from."""
    if any(len(secret) < SHORTEST_SECRET for secret in secret_keys.secrets()):
        message = f"SECRET_KEY and its fallbacks must have {SHORTEST_SECRET} characters or more."
        return [Error(message, id="gateway.E003")]
    return []


def foreign_keys(**_: Any) -> Found:
    """Keys that cannot sign would fail at the first sign-in instead of at the start."""
    try:
        found = signing_keys.given() if settings.GATEWAY_SIGNING_KEYS else []
    except (OSError, ValueError) as error:
        # A path may be told; a key that was mistaken for one may not.
        reason = "cannot be read" if isinstance(error, OSError) else str(error)
        return [Error(f"GATEWAY_SIGNING_KEYS: {reason}.", id="gateway.E004")]
    if found and found[0].algorithm != settings.GATEWAY_SIGNING_ALGORITHM:
        message = f"The first of GATEWAY_SIGNING_KEYS signs {found[0].algorithm}, not GATEWAY_SIGNING_ALGORITHM."
        return [Error(message, id="gateway.E005")]
    return []


def any_host(**_: Any) -> Found:
    """A forged Host header would be believed."""
    if "*" in settings.ALLOWED_HOSTS and not settings.DEBUG:
        return [Error("ALLOWED_HOSTS must name hosts, not *.", id="gateway.E006")]
    return []


def lifetimes(**_: Any) -> Found:
    """Each lifetime must fit into the next longer one."""
    found: Found = []
    if settings.GATEWAY_ACCESS_LIFETIME.total_seconds() > MOST_ACCESS_MINUTES * 60:
        message = f"GATEWAY_ACCESS_LIFETIME must be {MOST_ACCESS_MINUTES}m or less."
        found.append(Error(message, id="gateway.E007"))
    order = (
        settings.GATEWAY_REFRESH_GRACE,
        settings.GATEWAY_ACCESS_LIFETIME,
        settings.GATEWAY_REFRESH_IDLE,
        settings.GATEWAY_REFRESH_ABSOLUTE,
    )
    if list(order) != sorted(order):
        message = "Lifetimes must grow: GATEWAY_REFRESH_GRACE, _ACCESS_LIFETIME, _REFRESH_IDLE, _REFRESH_ABSOLUTE."
        found.append(Error(message, id="gateway.E008"))
    return found


def atomic_mutations(**_: Any) -> Found:
    """It does not roll back on exceptions, and our rules hold their own transactions."""
    graphene_wants = getattr(settings, "GRAPHENE", {}).get("ATOMIC_MUTATIONS")
    if graphene_wants or any(database.get("ATOMIC_MUTATIONS") for database in settings.DATABASES.values()):
        return [Error("ATOMIC_MUTATIONS must be off: rules open their own transactions.", id="gateway.E009")]
    return []


def short_passwords(**_: Any) -> Found:
    """Below eight characters a password is no secret (ASVS 6.2.1)."""
    if not 8 <= settings.GATEWAY_PASSWORD_MIN_LENGTH <= 64:
        return [Error("GATEWAY_PASSWORD_MIN_LENGTH must be between 8 and 64.", id="gateway.E010")]
    return []


def trusted_documents(**_: Any) -> Found:
    """A list that cannot be read would refuse every request."""
    if settings.GATEWAY_TRUSTED_DOCUMENTS:
        try:
            persisted.trusted(settings.GATEWAY_TRUSTED_DOCUMENTS)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            message = "GATEWAY_TRUSTED_DOCUMENTS must be a JSON file: a map of id to document, or Apollo's manifest."
            return [Error(message, id="gateway.E011")]
    return []


def breach_url(**_: Any) -> Found:
    """A service that is asked in the clear tells the network what it is asked."""
    url = settings.GATEWAY_BREACH_URL
    if url and not (_is_private(url) and "{prefix}" in url):
        return [Error("GATEWAY_BREACH_URL must be an https address with {prefix} in it.", id="gateway.E012")]
    return []


def few_threads(**_: Any) -> Found:
    """Otherwise a flood of sign-ins could hold every thread."""
    if settings.GATEWAY_THREADS <= settings.GATEWAY_MAX_CONCURRENT_HASHES + settings.GATEWAY_HASH_QUEUE:
        message = "GATEWAY_THREADS must exceed GATEWAY_MAX_CONCURRENT_HASHES + GATEWAY_HASH_QUEUE."
        return [Error(message, id="gateway.E013")]
    return []


def cookies_without_credentials(**_: Any) -> Found:
    """Browsers would neither send the cookie from another origin nor take it."""
    if settings.GATEWAY_REFRESH_COOKIE and settings.CORS_ALLOWED_ORIGINS and not settings.CORS_ALLOW_CREDENTIALS:
        return [Error("GATEWAY_REFRESH_COOKIE needs CORS_ALLOW_CREDENTIALS.", id="gateway.E014")]
    return []


def cookies_for_every_origin(**_: Any) -> Found:
    """The list of origins is what tells an application from a page that rides on its cookie."""
    if settings.GATEWAY_REFRESH_COOKIE and settings.CORS_ALLOW_ALL_ORIGINS:
        message = "CORS_ALLOWED_ORIGINS=* cannot stand with GATEWAY_REFRESH_COOKIE: name the origins."
        return [Error(message, id="gateway.E015")]
    return []


def cookies_for_other_sites(**_: Any) -> Found:
    """Without https browsers drop such a cookie; without an application elsewhere it only opens a door."""
    is_of_use = settings.CORS_ALLOWED_ORIGINS and not settings.DEBUG
    if settings.GATEWAY_REFRESH_COOKIE and settings.GATEWAY_COOKIE_SAMESITE == "None" and not is_of_use:
        message = "GATEWAY_COOKIE_SAMESITE=None needs CORS_ALLOWED_ORIGINS, and DJANGO_DEBUG=0 for https."
        return [Error(message, id="gateway.E016")]
    return []


def mail_into_the_log(**_: Any) -> Found:
    """Who reads the log could choose a new password for anyone."""
    if not settings.DEBUG and not settings.EMAIL_BACKEND.endswith((".smtp.EmailBackend", ".locmem.EmailBackend")):
        return [Error("EMAIL_URL must name a mail server, smtp…://, where DJANGO_DEBUG=0.", id="gateway.E017")]
    return []


def links_in_the_clear(**_: Any) -> Found:
    """Others on the network could read the token of a link, or change the page that it leads to."""
    names = ("GATEWAY_VERIFY_URL", "GATEWAY_RESET_URL", "GATEWAY_UNDO_URL", "GATEWAY_APP_URL")
    # The gateway's own pages are as private as all else that it serves.
    own = f"{settings.GATEWAY_ISSUER}/account/"
    urls = {name: getattr(settings, name) for name in names}
    wrong = [name for name, url in urls.items() if url and not url.startswith((own, "https://"))]
    if not settings.DEBUG and any(not _is_private(urls[name]) for name in wrong):
        return [Error(f"{', '.join(wrong)} must begin with https://.", id="gateway.E018")]
    return []


def long_resets(**_: Any) -> Found:
    """A mailbox that is read by another holds nothing of use after so long (ASVS 6.4.1)."""
    if settings.GATEWAY_RESET_LIFETIME.total_seconds() > LONGEST_RESET_MINUTES * 60:
        return [Error(f"GATEWAY_RESET_LIFETIME must be {LONGEST_RESET_MINUTES}m or less.", id="gateway.E019")]
    return []


def public_metrics(**_: Any) -> Found:
    """Whoever may ask the gateway need not know how it fares."""
    if settings.GATEWAY_METRICS_PORT and settings.GATEWAY_METRICS_PORT == settings.PORT:
        return [Error("GATEWAY_METRICS_PORT must be another port than PORT.", id="gateway.E020")]
    return []


def debug_on_public_address(**_: Any) -> Found:
    """DJANGO_DEBUG opens the admin and introspection, and mailed tokens appear on the console."""
    if settings.DEBUG and not _is_loopback(settings.HOST):
        message = (
            f"HOST={settings.HOST} is open to the network, so DJANGO_DEBUG must be off. "
            "Set HOST=127.0.0.1, or set DJANGO_DEBUG=off and open GraphiQL with GATEWAY_EXPLORER=on."
        )
        return [Error(message, id="gateway.E021")]
    return []


def refresh_end_beyond_int(**_: Any) -> Found:
    """`refreshExpiresIn` holds seconds since 1970 in a GraphQL Int, which ends in January 2038."""
    longest = int(MAX_GRAPHQL_INT - time() - LONGEST_UPTIME)
    if settings.GATEWAY_REFRESH_ABSOLUTE.total_seconds() > longest:
        message = f"GATEWAY_REFRESH_ABSOLUTE must be at most {longest // 86_400}d: refreshExpiresIn is a 32-bit Int."
        return [Error(message, id="gateway.E022")]
    return []


ALL = (
    atomic_requests,
    wildcard_with_credentials,
    short_secret,
    foreign_keys,
    any_host,
    lifetimes,
    atomic_mutations,
    short_passwords,
    trusted_documents,
    breach_url,
    few_threads,
    cookies_without_credentials,
    cookies_for_every_origin,
    cookies_for_other_sites,
    mail_into_the_log,
    links_in_the_clear,
    long_resets,
    public_metrics,
    debug_on_public_address,
    refresh_end_beyond_int,
)


def register(checks: Sequence[Any] = ALL) -> None:
    """Hand the checks to Django."""
    for check in checks:
        register_check(check, Tags.security)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_private(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"})
