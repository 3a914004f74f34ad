"""The data model: users, sessions, second factors, email tokens, events, rate-limit counters and signing keys."""

from datetime import datetime
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
        """When the user last authenticated in this session. Refreshing does not change it."""
        return self.reauthenticated_at or self.created_at


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


class Attempts(models.Model):
    """A rate-limit counter: attempts in a window of time. Times and durations are in milliseconds."""

    key = models.CharField(max_length=100, primary_key=True)
    tried = models.PositiveIntegerField(default=0)
    most = models.PositiveIntegerField()
    window = models.BigIntegerField()
    until = models.BigIntegerField(db_index=True)
    # Whether an event was recorded for this full window.
    is_told = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.key


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
