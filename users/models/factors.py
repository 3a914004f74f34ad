"""Second factors and passkeys."""

from uuid import uuid4

from django.db import models

from users.models.user import User


class Totp(models.Model):
    """The authenticator app of a user."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="totp")
    # The secret, encrypted with a key that is derived for this user.
    sealed = models.TextField(editable=False)
    # The time step of the last accepted code. No code of this step or an earlier one is accepted.
    last_step = models.BigIntegerField(editable=False)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.user_id)


class RecoveryCode(models.Model):
    """A code that replaces a second factor once. Its use deletes it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    # SHA-256 of the user's id and the code.
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.id)


class Passkey(models.Model):
    """A WebAuthn credential of a user: the authenticator has the private key, this row the public one."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    # SHA-256 of the credential id, which may have 1,023 bytes: too many for an index of every database.
    credential_key = models.CharField(max_length=64, unique=True)
    # Both in base64url.
    credential_id = models.TextField()
    public_key = models.TextField()
    # An unsigned number of 32 bits. 0 for passkeys that are synchronised between devices.
    sign_count = models.BigIntegerField()
    # When the newest challenge that the passkey answered was issued, in microseconds. Older ones are refused.
    answered_challenge_at = models.BigIntegerField()
    # The domain that the passkey works for.
    rp_id = models.CharField(max_length=253)
    # The model of the authenticator, as far as it tells.
    aaguid = models.UUIDField()
    is_backup_eligible = models.BooleanField()
    is_backed_up = models.BooleanField()
    transports = models.JSONField(default=list)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
