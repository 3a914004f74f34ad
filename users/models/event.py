"""Events of accounts."""

from typing import ClassVar
from uuid import uuid4

from django.db import models

from users.models.user import User


class Event(models.Model):
    """An event of an account. It contains no secrets."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    # Without an index of its own: the first one below begins with it.
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, db_index=False, related_name="events")
    session_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["user", "-at", "-id"], name="event_of_user"),
            models.Index(fields=["at"], name="event_by_age"),
        ]

    def __str__(self) -> str:
        return self.kind
