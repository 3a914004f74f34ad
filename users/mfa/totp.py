"""Authenticator apps: their secrets are stored encrypted, and each code is accepted once.

The key is derived for one user, so the row of one account, copied to another, decrypts for neither.
"""

import logging
from uuid import UUID

from django.utils import timezone

from users import pruning, secret_keys
from users.crypto import encryption
from users.crypto import totp as crypto
from users.errors import ServiceUnavailable
from users.models import Totp, User

# Seconds. Only the operator can add the missing SECRET_KEY.
RETRY_AFTER = 60
log = logging.getLogger("gateway.mfa")


def store(user: User, *, secret: str, used_step: int) -> None:
    """Store the secret of the user's app in place of a former one. Codes up to `used_step` are used."""
    sealed = encryption.encrypt(secret, secret_keys.secrets(), _purpose(user.id))
    row = {"sealed": sealed, "last_step": used_step, "created_at": timezone.now(), "last_used_at": None}
    Totp.objects.update_or_create(user=user, defaults=row)


def use(user_id: UUID, code: str) -> bool:
    """Use up a code of the user's app. If several requests use it at once, one succeeds."""
    row = Totp.objects.filter(user_id=user_id).first()
    if row is None:
        return False
    now = timezone.now()
    step = crypto.matching_step(_secret(row), code, now.timestamp())
    # Compare-and-swap: no code is accepted twice, nor an earlier code after a later one.
    unused = Totp.objects.filter(user_id=user_id, last_step__lt=step or 0)
    return step is not None and unused.update(last_step=step, last_used_at=now) > 0


def exists(user: User) -> bool:
    """Return whether the user has an app."""
    return Totp.objects.filter(user=user).exists()


def delete(user: User) -> bool:
    """Delete the user's app, and return whether there was one."""
    return Totp.objects.filter(user=user).delete()[0] > 0


def reencrypt_all() -> int:
    """Encrypt all secrets with the current SECRET_KEY, and return how many were encrypted with another one."""
    changed, last = 0, UUID(int=0)
    while rows := list(Totp.objects.filter(user_id__gt=last).order_by("user_id")[: pruning.BATCH]):
        for row in rows:
            try:
                sealed = encryption.reencrypt(row.sealed, secret_keys.secrets(), _purpose(row.user_id))
            except encryption.CannotDecrypt:
                _log_undecryptable(row)
                continue
            if sealed != row.sealed:
                # Compare-and-swap: the user may have set up another app meanwhile.
                changed += Totp.objects.filter(user_id=row.user_id, sealed=row.sealed).update(sealed=sealed)
        last = rows[-1].user_id
    return changed


def _secret(row: Totp) -> str:
    try:
        return encryption.decrypt(row.sealed, secret_keys.secrets(), _purpose(row.user_id))
    except encryption.CannotDecrypt:
        _log_undecryptable(row)
        raise ServiceUnavailable(RETRY_AFTER) from None


def _purpose(user_id: UUID) -> str:
    return f"gateway.totp.{user_id}"


def _log_undecryptable(row: Totp) -> None:
    log.error("cannot decrypt the TOTP secret of user %s: add its SECRET_KEY to SECRET_KEY_FALLBACKS", row.user_id)
