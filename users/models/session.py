"""Sessions."""

from datetime import datetime
from typing import ClassVar
from uuid import uuid4

from django.db import models

from users.models.user import User


class Session(models.Model):
    """A sign-in on one device. It stays one row when its refresh token rotates."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    # The index has no second column: InnoDB would otherwise lock the user's row at every rotation.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    # The first half of the refresh token. Another value than the id, which access tokens show.
    selector = models.UUIDField(unique=True, default=uuid4, editable=False)
    # SHA-256 of the second half: of the current token, and of the previous one.
    current = models.CharField(max_length=64, editable=False)
    previous = models.CharField(max_length=64, blank=True, editable=False)
    generation = models.PositiveIntegerField(default=0, editable=False)
    credential_version = models.PositiveIntegerField(editable=False)
    device_name = models.CharField(max_length=100, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField()
    rotated_at = models.DateTimeField()
    # Every rotation extends it, but never past the absolute end.
    expires_at = models.DateTimeField()
    absolute_expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    # The factors, in the form of `authentication_methods.serialize`. The default of the database is for rows of the
    # previous release, in which every session began with the password.
    methods = models.CharField(max_length=100, blank=True, default="", db_default="password", editable=False)
    # The last authentication after the sign-in, if there was one.
    reauthenticated_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        # No index combines the user with a column that rotation changes: InnoDB would lock the user's row each time.
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["absolute_expires_at"], name="session_by_end")]

    def __str__(self) -> str:
        return self.device_name or str(self.id)

    @property
    def authenticated_at(self) -> datetime:
        """The time of the user's last authentication in this session. Refreshing does not change it."""
        return self.reauthenticated_at or self.created_at
