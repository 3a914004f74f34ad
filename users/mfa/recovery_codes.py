"""Recovery codes: ten for each user with two-factor authentication. Each works once."""

from uuid import UUID

from django.utils import timezone

from users.crypto import recovery_codes as crypto
from users.models import RecoveryCode, User

COUNT = 10


def replace(user: User) -> list[str]:
    """Replace the user's codes by new ones and return these. They are not stored and cannot be shown again."""
    codes, now = [crypto.new_code() for _ in range(COUNT)], timezone.now()
    delete(user)
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=crypto.digest(user.id, code), created_at=now) for code in codes
    )
    return codes


def use(user_id: UUID, code: str) -> bool:
    """Use up a code. If several requests use it at once, one succeeds."""
    deleted, _ = RecoveryCode.objects.filter(user_id=user_id, digest=crypto.digest(user_id, code)).delete()
    return deleted > 0


def count(user: User) -> int:
    """Return how many codes the user has left."""
    return RecoveryCode.objects.filter(user=user).count()


def delete(user: User) -> None:
    """Delete the user's codes."""
    RecoveryCode.objects.filter(user=user).delete()
