"""Email tokens: secrets sent by mail, which prove that a client reads the mail of an email address.

1. A link contains a token of 256 random bits, of which only a hash is stored.
2. A code is short, because people type it. It is stored as a keyed hash, and attempts are limited by email and by
   client, whether or not there is a code for the email.
3. A token is for one user and one purpose. A change of the email or the password invalidates it, a newer one replaces
   it, and its use deletes it together with its code.
4. A token that undoes a change of the email outlives such changes: an attacker could otherwise invalidate it.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from users import normalization, pruning, secret_keys, throttle
from users.caller import Caller
from users.compiled_query import CompiledQuery, parameter
from users.crypto import email_tokens as crypto
from users.errors import InvalidValue, TokenExpired, TokenInvalid
from users.models import EmailToken, User

Purpose = EmailToken.Purpose
# More codes than the mail limits allow for one email while the codes are valid.
MAX_CODES = 50


@dataclass(frozen=True, slots=True)
class Secret:
    """The secrets of a mail. They are not stored."""

    token: str
    code: str


def create(user: User, purpose: Purpose, *, address: str) -> Secret:
    """Create a token and a code, and delete the former ones of this user and purpose."""
    secret = Secret(crypto.new_token(), crypto.new_code())
    email_token = _build(user, purpose, address, secret.token)
    email_token.code = crypto.code_digest(secret.code, email_token.id, _keys()[0])
    _replace(email_token, EmailToken.objects.filter(user=user, purpose=purpose))
    return secret


def hold_email(user: User, *, address: str) -> UUID:
    """Keep a former email for its user, who may restore it; return the id of the token that does."""
    email_token = _build(user, Purpose.UNDO, address, crypto.new_token())
    former = EmailToken.objects.filter(user=user, purpose=Purpose.UNDO)
    last = former.aggregate(last=Max("created_at"))["last"]
    if last:
        # After all former ones, even if the clock of another machine is ahead: undoing one invalidates the later ones.
        email_token.created_at = max(email_token.created_at, last + timedelta(microseconds=1))
    _replace(email_token, former.filter(address_key=address.lower()))
    return email_token.id


def create_undo_secret(held: str) -> Secret | None:
    """Return a new secret that restores a former email and replaces the previous one; None if it has expired."""
    secret = Secret(crypto.new_token(), "")
    live = EmailToken.objects.filter(id=held, expires_at__gt=timezone.now())
    return secret if live.update(digest=crypto.digest(secret.token)) else None


def lifetime(purpose: Purpose) -> timedelta:
    """Return how long tokens of this purpose are valid."""
    lifetimes: dict[Purpose, timedelta] = {
        Purpose.VERIFY: settings.GATEWAY_VERIFY_LIFETIME,
        Purpose.RESET: settings.GATEWAY_RESET_LIFETIME,
        Purpose.UNDO: settings.GATEWAY_UNDO_LIFETIME,
    }
    return lifetimes[purpose]


def find(caller: Caller, purpose: Purpose, *, token: str, email: str | None = None) -> EmailToken:
    """Return the email token of a token, or of a code and the email that received it. `redeem` uses it up."""
    email_token = _by_token(purpose, token) if email is None else _by_code(caller, purpose, token, email)
    if email_token is None or not _is_valid(email_token):
        raise TokenInvalid
    if email_token.expires_at <= timezone.now():
        raise TokenExpired
    return email_token


def redeem(email_token: EmailToken) -> None:
    """Delete a used token. If several requests use it at once, one succeeds."""
    if not EmailToken.objects.filter(id=email_token.id).delete()[0]:
        raise TokenInvalid


def revoke(user: User, *, since: EmailToken | None = None) -> None:
    """Delete the tokens of a user, except those that undo a change; or, with `since`, all tokens made after one."""
    tokens = EmailToken.objects.filter(user=user)
    (tokens.filter(created_at__gte=since.created_at) if since else tokens.exclude(purpose=Purpose.UNDO)).delete()


def revoke_all() -> int:
    """Delete the tokens of all users, except those that undo a change, and return how many."""
    return EmailToken.objects.exclude(purpose=Purpose.UNDO).delete()[0]


def lock_claims(user: User, address: str) -> list[UUID]:
    """Lock the user and all accounts that claim an email; return the ids of the others.

    They are locked by id and in one order, so that concurrent transactions cannot deadlock.
    """
    claims = User.objects.filter(email_key=address.lower(), is_email_verified=False).exclude(id=user.id)
    others = list(claims.values_list("id", flat=True))
    locked = User.objects.select_for_update().filter(id__in=[user.id, *others]).order_by("id")
    list(locked.values_list("id", flat=True))
    return others


def void_claims(user: User, address: str, others: list[UUID]) -> None:
    """Remove the email that this user has verified from all other accounts.

    These accounts lose their sessions and tokens, cannot be signed in to, and are erased in time. A former owner of the
    email can no longer restore it.
    """
    EmailToken.objects.filter(user__in=others).delete()
    EmailToken.objects.filter(purpose=Purpose.UNDO, address_key=address.lower()).exclude(user=user).delete()
    User.objects.filter(id__in=others, is_email_verified=False).update(
        email=normalization.UNUSABLE_EMAIL,
        credential_version=F("credential_version") + 1,
        erases_at=Coalesce("erases_at", Value(timezone.now() + settings.GATEWAY_ERASE_AFTER)),
    )


def find_holder(address: str) -> User | None:
    """Return the user who may still restore this former email, or None."""
    email_token = _holding.first(address_key=address.lower(), now=timezone.now())
    return email_token.user if email_token else None


def held_emails() -> QuerySet[EmailToken]:
    """Return the tokens that restore a former email; takes the parameters `address_key` and `now`."""
    return EmailToken.objects.filter(
        purpose=Purpose.UNDO,
        address_key=parameter("address_key", EmailToken.address_key),
        expires_at__gt=parameter("now", EmailToken.expires_at),
    )


def find_pending(address: str, *, username: str = "") -> EmailToken | None:
    """Return the newest token for a new email that is not yet verified, or the one of this username."""
    found = EmailToken.objects.select_related("user").filter(purpose=Purpose.VERIFY, address_key=address.lower())
    if username:
        found = found.filter(user__username_key=username.lower())
    newest = found.order_by("-created_at").first()
    return newest if newest and _is_valid(newest) else None


def prune() -> int:
    """Delete expired tokens, and return how many."""
    return pruning.delete(EmailToken.objects.filter(expires_at__lt=timezone.now() - timedelta(days=1)))


def _build(user: User, purpose: Purpose, address: str, token: str) -> EmailToken:
    now = timezone.now()
    return EmailToken(
        user=user,
        purpose=purpose,
        address=address,
        digest=crypto.digest(token),
        email=user.email,
        credential_version=user.credential_version,
        created_at=now,
        expires_at=now + lifetime(purpose),
    )


def _replace(email_token: EmailToken, former: QuerySet[EmailToken]) -> None:
    with transaction.atomic():
        # Locked, so that of two concurrent tokens the later one replaces the other.
        User.objects.select_for_update().only("id").filter(id=email_token.user_id).first()
        former.delete()
        email_token.save(force_insert=True)


def _by_token(purpose: Purpose, token: str) -> EmailToken | None:
    return EmailToken.objects.select_related("user").filter(digest=crypto.digest(token), purpose=purpose).first()


def _by_code(caller: Caller, purpose: Purpose, code: str, email: str) -> EmailToken | None:
    place = throttle.place(caller)
    buckets = [*throttle.buckets("code_address", normalization.fold(email)), *throttle.buckets("code_client", place)]
    throttle.consume(caller, buckets)
    try:
        address = normalization.email(email).lower()
    except InvalidValue:
        return None
    # Several accounts may claim the email. Links have no such limit.
    found = EmailToken.objects.select_related("user").filter(address_key=address, purpose=purpose).exclude(code="")
    email_token = next(
        (email_token for email_token in found.order_by("-created_at")[:MAX_CODES] if _matches(code, email_token)), None
    )
    if email_token:
        # A client with the code does not guess, and may need it again if the new password is refused.
        throttle.Attempt([], throttle.keys(buckets)).reset()
    return email_token


def _matches(code: str, email_token: EmailToken) -> bool:
    return any(hmac.compare_digest(crypto.code_digest(code, email_token.id, key), email_token.code) for key in _keys())


def _is_valid(email_token: EmailToken) -> bool:
    user = email_token.user
    is_same = email_token.email == user.email and email_token.credential_version == user.credential_version
    return user.is_active and (is_same or email_token.purpose == Purpose.UNDO)


def _keys() -> list[bytes]:
    return secret_keys.keys("gateway.codes")


_holding = CompiledQuery(held_emails, related="user")
