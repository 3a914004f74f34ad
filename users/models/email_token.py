"""Secrets that are sent by mail."""

from typing import ClassVar
from uuid import uuid4

from django.db import models

from users.models.user import EMAIL_LENGTH, AsciiLower, User


class EmailToken(models.Model):
    """A secret that was sent by mail, and proves that a client reads this mail. Its use deletes it."""

    class Purpose(models.TextChoices):
        """The one action that the token allows."""

        VERIFY = "verify"
        RESET = "reset"
        UNDO = "undo"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="email_tokens")
    purpose = models.CharField(max_length=6, choices=Purpose)
    # The email that received the mail; for a change of the email, the new one.
    address = models.EmailField(max_length=EMAIL_LENGTH)
    address_key = models.GeneratedField(
        expression=AsciiLower("address"), output_field=models.CharField(max_length=EMAIL_LENGTH), db_persist=True
    )
    # SHA-256 of the link's token, and an HMAC of the code. A token that undoes a change has no code.
    digest = models.CharField(max_length=64, unique=True)
    code = models.CharField(max_length=64, blank=True)
    # The email and password version of the account at that time. If one of them changes, the token is invalid.
    email = models.EmailField(max_length=EMAIL_LENGTH)
    credential_version = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        # The table of the first release.
        db_table = "users_proof"
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["address_key"], name="proof_by_address")]

    def __str__(self) -> str:
        return self.purpose
