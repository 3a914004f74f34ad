"""Users."""

from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

NAME_LENGTH = 150
EMAIL_LENGTH = 254
# Of several accounts with one email, the one that verified it comes first, then the oldest.
BY_CLAIM = ("-is_email_verified", "date_joined", "id")


class AsciiLower(Lower):
    """Lower case of ASCII letters, independent of the locale of the database: Turkish has another i."""

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Use the collation that every PostgreSQL has."""
        return self.as_sql(compiler, connection, template='LOWER(%(expressions)s COLLATE "C")', **context)

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Use a collation without a language; the character set of the column may be another one."""
        template = "LOWER(CONVERT(%(expressions)s USING utf8mb4) COLLATE utf8mb4_bin)"
        return self.as_sql(compiler, connection, template=template, **context)


class UserManager(BaseUserManager["User"]):
    """Finds users by username or email, ignoring case, and creates them."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user with this username or email; of several with one email, the one that verified it."""
        column = "email_key" if "@" in (username or "") else "username_key"
        found = self.filter(**{column: (username or "").lower()}).order_by(*BY_CLAIM).first()
        if found is None:
            raise self.model.DoesNotExist
        return found

    def create_user(self, username: str, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user. Without a password, the user cannot sign in with one."""
        user = self.model(username=self.model.normalize_username(username), email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user with every permission. The email counts as verified."""
        fields = {"is_staff": True, "is_superuser": True, "is_email_verified": True, **fields}
        return self.create_user(username, email, password, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """An account. Its id is random: a time-ordered one would reveal when the account was created."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    username = models.CharField(max_length=NAME_LENGTH, unique=True)
    email = models.EmailField(max_length=EMAIL_LENGTH)
    # Computed by the database, so that every row satisfies the constraints below.
    username_key = models.GeneratedField(
        expression=AsciiLower("username"), output_field=models.CharField(max_length=NAME_LENGTH), db_persist=True
    )
    email_key = models.GeneratedField(
        expression=AsciiLower("email"), output_field=models.CharField(max_length=EMAIL_LENGTH), db_persist=True
    )
    # Empty until the email is verified: any number of accounts may claim an email, and the first to verify it owns it.
    verified_email_key = models.GeneratedField(
        expression=models.Case(models.When(is_email_verified=True, then=AsciiLower("email")), default=None),
        output_field=models.CharField(max_length=EMAIL_LENGTH, null=True),
        db_persist=True,
    )
    full_name = models.CharField(max_length=NAME_LENGTH, blank=True)
    bio = models.TextField(blank=True)
    image_url = models.URLField(max_length=500, blank=True)
    is_email_verified = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # When a closed or unverified account will be erased; empty for every other account.
    erases_at = models.DateTimeField(null=True, editable=False, db_index=True)
    # Counts password changes: a session of another version is not live.
    credential_version = models.PositiveIntegerField(default=0, editable=False)
    # When two-factor authentication was turned on; empty while it is off.
    two_factor_since = models.DateTimeField(null=True, editable=False)
    # Counts changes of the second factors: a started sign-in of another version cannot be completed.
    factors_version = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    # The session this object was loaded for; no column.
    current_session_id: UUID | None = None

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["username_key"],
                name="user_username_key",
                violation_error_message="Another account uses this username.",
            ),
            models.UniqueConstraint(
                fields=["verified_email_key"],
                name="user_verified_email",
                violation_error_message="Another account uses this email.",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["email_key"], name="user_by_email")]
        permissions = [("reset_second_factors", "Can reset second factors")]

    def set_password(self, raw_password: str | None) -> None:
        """Set a new password, which ends every session once it is saved."""
        super().set_password(raw_password)
        self.credential_version += 1

    def roles(self) -> list[str]:
        """Return the names of the groups that the user is in."""
        return list(self.groups.order_by("name").values_list("name", flat=True))
