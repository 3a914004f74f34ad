"""Keys that sign access tokens."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class SigningKey(models.Model):
    """A key that signs access tokens. Its private part is encrypted."""

    class Place(models.TextChoices):
        """The role of a key. A retired key has none."""

        NEXT = "next"
        CURRENT = "current"

    kid = models.CharField(max_length=43, primary_key=True)
    algorithm = models.CharField(max_length=10)
    sealed = models.TextField()
    # NULL for a retired key: NULLs are not equal, so the constraint allows any number.
    place = models.CharField(max_length=7, choices=Place, null=True)  # noqa: DJ001
    created_at = models.DateTimeField(default=timezone.now)
    signs_from = models.DateTimeField(null=True)
    # When the last token of a retired key expires.
    ends_at = models.DateTimeField(null=True)

    class Meta:
        # If several gateways create a key at the same moment, one succeeds.
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["algorithm", "place"], name="signing_key_place")
        ]

    def __str__(self) -> str:
        return self.kid
