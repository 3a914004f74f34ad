"""Proofs: secrets sent by mail, which show that whoever brings them back reads that address.

1. A link carries 256 random bits, of which a hash alone is kept, so that a copy of the database opens nothing.
2. A code can be typed, and so is short: it is kept under the server's key, and its tries are counted by address
   and by place, whether or not there is anything to try at.
3. Each is for one user and one purpose, and is bound to the address and the password of the moment it was made: a
   change of either makes it void. A newer one replaces it; with its use, its row is gone, and the code with the link.
4. An undoing is bound to its address alone: whoever took an account over would make the others void, but not that.
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
from users.crypto import proofs
from users.errors import TokenExpired, TokenInvalid, WrongValue
from users.models import Proof, User

Purpose = Proof.Purpose
# More than the limits of mail let anybody have sent to one address while the codes are good.
MOST_CODES = 50


@dataclass(frozen=True, slots=True)
class Secret:
    """What goes into the mail, and is kept nowhere."""

    token: str
    code: str


def make(user: User, purpose: Purpose, *, address: str) -> Secret:
    """A new proof in place of the former one of its kind."""
    secret = Secret(proofs.token(), proofs.code())
    proof = _proof(user, purpose, address, secret.token)
    proof.code = proofs.seal(secret.code, proof.id, _keys()[0])
    _replace(proof, Proof.objects.filter(user=user, purpose=purpose))
    return secret


def hold(user: User, *, address: str) -> UUID:
    """Hold a former address for its user, who may have it back; its name, to make the secret by."""
    proof = _proof(user, Purpose.UNDO, address, proofs.token())
    former = Proof.objects.filter(user=user, purpose=Purpose.UNDO)
    last = former.aggregate(last=Max("created_at"))["last"]
    if last:
        # After all former ones, whatever another machine's clock said: undoing one makes the later ones void.
        proof.created_at = max(proof.created_at, last + timedelta(microseconds=1))
    _replace(proof, former.filter(address_key=address.lower()))
    return proof.id


def secret_of(held: str) -> Secret | None:
    """The secret that gives a held address back, in place of any that was made before; none where it is over."""
    secret = Secret(proofs.token(), "")
    live = Proof.objects.filter(id=held, expires_at__gt=timezone.now())
    return secret if live.update(digest=proofs.digest(secret.token)) else None


def lifetime(purpose: Purpose) -> timedelta:
    """How long a proof is good for."""
    lifetimes: dict[Purpose, timedelta] = {
        Purpose.VERIFY: settings.GATEWAY_VERIFY_LIFETIME,
        Purpose.RESET: settings.GATEWAY_RESET_LIFETIME,
        Purpose.UNDO: settings.GATEWAY_UNDO_LIFETIME,
    }
    return lifetimes[purpose]


def find(caller: Caller, purpose: Purpose, *, token: str, email: str | None = None) -> Proof:
    """The proof of a token, or of a code and the address it was sent to; still to be used."""
    proof = _by_token(purpose, token) if email is None else _by_code(caller, purpose, token, email)
    if proof is None or not _is_good(proof):
        raise TokenInvalid
    if proof.expires_at <= timezone.now():
        raise TokenExpired
    return proof


def use(proof: Proof) -> None:
    """Use a proof up; of several who do so at once, one succeeds."""
    if not Proof.objects.filter(id=proof.id).delete()[0]:
        raise TokenInvalid


def withdraw(user: User, *, since: Proof | None = None) -> None:
    """Make all proofs of a user void but the undoings, or all, those too, that were made after one of them."""
    proofs_of = Proof.objects.filter(user=user)
    (proofs_of.filter(created_at__gte=since.created_at) if since else proofs_of.exclude(purpose=Purpose.UNDO)).delete()


def withdraw_everyones() -> int:
    """Make the proofs of all users void, but for the addresses that are held; how many they were."""
    return Proof.objects.exclude(purpose=Purpose.UNDO).delete()[0]


def lock_claims(user: User, address: str) -> list[UUID]:
    """Lock the user and the accounts that claim an address, of which one may verify it; return the ids of the others.

    They are locked by id and in one order, so that concurrent transactions cannot deadlock.
    """
    claims = User.objects.filter(email_key=address.lower(), is_email_verified=False).exclude(id=user.id)
    others = list(claims.values_list("id", flat=True))
    locked = User.objects.select_for_update().filter(id__in=[user.id, *others]).order_by("id")
    list(locked.values_list("id", flat=True))
    return others


def void_claims(user: User, address: str, others: list[UUID]) -> None:
    """Void every other claim to an address that this user has verified.

    The other accounts lose the address, their sessions and tokens, cannot be signed in to, and are erased in time. A
    former owner of the address can no longer have it back.
    """
    Proof.objects.filter(user__in=others).delete()
    Proof.objects.filter(purpose=Purpose.UNDO, address_key=address.lower()).exclude(user=user).delete()
    User.objects.filter(id__in=others, is_email_verified=False).update(
        email=normalization.NOWHERE,
        credential_version=F("credential_version") + 1,
        erases_at=Coalesce("erases_at", Value(timezone.now() + settings.GATEWAY_ERASE_AFTER)),
    )


def holder(address: str) -> User | None:
    """Who may still have an address back, which so is nobody else's."""
    proof = _holding.first(address_key=address.lower(), now=timezone.now())
    return proof.user if proof else None


def held() -> QuerySet[Proof]:
    """Return the proofs that hold an address for its former user; takes the parameters `address_key` and `now`."""
    return Proof.objects.filter(
        purpose=Purpose.UNDO,
        address_key=parameter("address_key", Proof.address_key),
        expires_at__gt=parameter("now", Proof.expires_at),
    )


def pending(address: str, *, username: str = "") -> Proof | None:
    """Return the newest open token for an address that is no account's yet, or the one of this username."""
    found = Proof.objects.select_related("user").filter(purpose=Purpose.VERIFY, address_key=address.lower())
    if username:
        found = found.filter(user__username_key=username.lower())
    newest = found.order_by("-created_at").first()
    return newest if newest and _is_good(newest) else None


def prune() -> int:
    """Delete the proofs that nobody brought back in time; how many there were."""
    return pruning.delete(Proof.objects.filter(expires_at__lt=timezone.now() - timedelta(days=1)))


def _proof(user: User, purpose: Purpose, address: str, token: str) -> Proof:
    now = timezone.now()
    return Proof(
        user=user,
        purpose=purpose,
        address=address,
        digest=proofs.digest(token),
        email=user.email,
        credential_version=user.credential_version,
        created_at=now,
        expires_at=now + lifetime(purpose),
    )


def _replace(proof: Proof, former: QuerySet[Proof]) -> None:
    with transaction.atomic():
        # Of two that are made at once, the later one is to find the other.
        User.objects.select_for_update().only("id").filter(id=proof.user_id).first()
        former.delete()
        proof.save(force_insert=True)


def _by_token(purpose: Purpose, token: str) -> Proof | None:
    return Proof.objects.select_related("user").filter(digest=proofs.digest(token), purpose=purpose).first()


def _by_code(caller: Caller, purpose: Purpose, code: str, email: str) -> Proof | None:
    place = throttle.place(caller)
    lanes = [*throttle.lanes("code_address", normalization.folded(email)), *throttle.lanes("code_client", place)]
    throttle.count(caller, lanes)
    try:
        address = normalization.email(email).lower()
    except WrongValue:
        return None
    # Several, where more than one account claims the address. Links work beyond the limit as well.
    found = Proof.objects.select_related("user").filter(address_key=address, purpose=purpose).exclude(code="")
    proof = next((proof for proof in found.order_by("-created_at")[:MOST_CODES] if _fits(code, proof)), None)
    if proof:
        # Who has the code does not guess it, and may need it again: for a password that will do.
        throttle.Tries([], lanes).reset()
    return proof


def _fits(code: str, proof: Proof) -> bool:
    return any(hmac.compare_digest(proofs.seal(code, proof.id, key), proof.code) for key in _keys())


def _is_good(proof: Proof) -> bool:
    user = proof.user
    is_same = proof.email == user.email and proof.credential_version == user.credential_version
    return user.is_active and (is_same or proof.purpose == Purpose.UNDO)


def _keys() -> list[bytes]:
    return secret_keys.keys("gateway.codes")


_holding = CompiledQuery(held, related="user")
