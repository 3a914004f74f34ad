"""Errors: an exception class for each error code. Clients depend on the codes, people read the messages."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar


class ErrorCode(Enum):
    """Every value that `extensions.code` can take."""

    UNAUTHENTICATED = (
        "The Authorization header has no valid access token. Refresh, then retry. `extensions.reason` is "
        "TOKEN_MISSING, TOKEN_EXPIRED or TOKEN_INVALID. A wrong password or a bad token in an argument "
        "has other codes."
    )
    FORBIDDEN = "The signed-in user may not do this. In cookie mode: the page's origin is not allowed."
    BAD_USER_INPUT = "An argument or a variable is invalid. `extensions.fieldErrors` lists every problem."
    INVALID_CREDENTIALS = "The username or password is wrong."
    EMAIL_NOT_VERIFIED = "The email must be verified first. `requestEmailVerification` sends another mail."
    RATE_LIMITED = "Too many attempts. Retry after `extensions.retryAfter` seconds."
    TOKEN_INVALID = "The token in the argument is not valid, or was already used."
    TOKEN_EXPIRED = "The token in the argument has expired."
    TOKEN_REUSED = "This refresh token was already used, so its session was ended. Sign in again."
    CONFLICT = "Another change was made at the same time. Reload, then retry."
    NOT_FOUND = "The object does not exist, or belongs to another user."
    OPERATION_TOO_COMPLEX = "The document exceeds a limit of the gateway. The message names the limit."
    GRAPHQL_PARSE_FAILED = "The document is not valid GraphQL."
    GRAPHQL_VALIDATION_FAILED = "The document does not match the schema."
    BAD_REQUEST = "The request is not a valid GraphQL request."
    OPERATION_RESOLUTION_FAILURE = "The document has several operations. Set `operationName`."
    PERSISTED_QUERY_NOT_FOUND = "The gateway does not have this document. Send it together with its hash."
    PERSISTED_QUERY_NOT_SUPPORTED = "This gateway does not store documents by hash. Send the document."
    SECOND_FACTOR_REQUIRED = (
        "The first factor is right. Pass `extensions.challenge` to secondFactorAuth with one of `extensions.methods` "
        "within `extensions.expiresIn` seconds."
    )
    REAUTHENTICATION_REQUIRED = (
        "The operation requires authentication within the last `extensions.maxAge` seconds. Call reauthenticate with "
        "one of `extensions.methods`, then retry."
    )
    TWO_FACTOR_SETUP_REQUIRED = (
        "The operation requires two-factor authentication. Set it up with beginTotpSetup and confirmTotpSetup."
    )
    LAST_SIGN_IN_METHOD = "This is the last way to sign in to the account. Add another one first."
    FEATURE_DISABLED = "This gateway does not offer the feature."
    SERVICE_UNAVAILABLE = "The gateway is temporarily unable to do this. Retry after `extensions.retryAfter` seconds."
    INTERNAL_SERVER_ERROR = "The server failed. Quote `extensions.requestId` when you report it."


class FieldErrorCode(Enum):
    """Every value that `extensions.fieldErrors[].code` can take."""

    REQUIRED = "The argument is missing or empty."
    INVALID = "The argument has an invalid format."
    TOO_LONG = "The argument is too long."
    TAKEN = "Another account uses this value."
    TOO_MANY = "The account already has the maximum number of these objects."
    MISMATCH = "The two values must be equal."
    PASSWORD_TOO_SHORT = "The password is too short. `extensions.fieldErrors` has the minimum length."
    PASSWORD_TOO_COMMON = "The password is too common."
    PASSWORD_TOO_SIMILAR = (
        "The password is too similar to the username, the email, the full name or the name of the service."
    )
    PASSWORD_ENTIRELY_NUMERIC = "The password consists of digits only."
    PASSWORD_BREACHED = "The password appears in a known data breach."
    PASSWORD_UNCHANGED = "The new password is the same as the old one."


class Reason(Enum):
    """Values of `extensions.reason` of UNAUTHENTICATED."""

    TOKEN_MISSING = "The Authorization header with an access token is missing. Sign in first."
    TOKEN_EXPIRED = "The access token in the Authorization header has expired. Refresh, then retry."
    TOKEN_INVALID = (
        "The access token in the Authorization header is not valid, or its session has ended. Sign in again."
    )


class Refusal(Exception):
    """The base class of errors that clients see, with a code and a message."""

    code: ClassVar[ErrorCode]
    message: str

    def __init__(self, message: str | None = None, **extensions: Any) -> None:
        self.message = message or self.code.value
        self.extensions = extensions
        super().__init__(self.message)


class Unauthenticated(Refusal):
    code = ErrorCode.UNAUTHENTICATED

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value, reason=reason.name)


class Forbidden(Refusal):
    code = ErrorCode.FORBIDDEN


class InvalidCredentials(Refusal):
    code = ErrorCode.INVALID_CREDENTIALS


class EmailNotVerified(Refusal):
    code = ErrorCode.EMAIL_NOT_VERIFIED


class RateLimited(Refusal):
    code = ErrorCode.RATE_LIMITED

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Try again in {duration(retry_after)}.", retryAfter=retry_after)


class TokenInvalid(Refusal):
    code = ErrorCode.TOKEN_INVALID


class TokenExpired(Refusal):
    code = ErrorCode.TOKEN_EXPIRED


class TokenReused(Refusal):
    code = ErrorCode.TOKEN_REUSED


class Conflict(Refusal):
    code = ErrorCode.CONFLICT


class NotFound(Refusal):
    code = ErrorCode.NOT_FOUND


class SecondFactorRequired(Refusal):
    code = ErrorCode.SECOND_FACTOR_REQUIRED

    def __init__(self, *, challenge: str, methods: list[str], expires_in: int) -> None:
        message = "Use your second factor to complete the sign-in."
        super().__init__(message, challenge=challenge, methods=methods, expiresIn=expires_in)


class ReauthenticationRequired(Refusal):
    code = ErrorCode.REAUTHENTICATION_REQUIRED

    def __init__(self, *, max_age: int, methods: list[str]) -> None:
        message = (
            "Confirm that it is you, then try again."
            if methods
            else "The account cannot authenticate again. Set a password with requestPasswordReset, then sign in."
        )
        super().__init__(message, maxAge=max_age, methods=methods)


class TwoFactorSetupRequired(Refusal):
    code = ErrorCode.TWO_FACTOR_SETUP_REQUIRED


class LastSignInMethod(Refusal):
    code = ErrorCode.LAST_SIGN_IN_METHOD


class FeatureDisabled(Refusal):
    code = ErrorCode.FEATURE_DISABLED


class ServiceUnavailable(Refusal):
    code = ErrorCode.SERVICE_UNAVAILABLE

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"The gateway is busy. Retry in {duration(retry_after)}.", retryAfter=retry_after)


class InvalidInput(Refusal):
    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, *errors: "FieldError") -> None:
        super().__init__(" ".join(error.message for error in errors), field_errors=errors)


@dataclass(frozen=True, slots=True)
class FieldError:
    """An invalid argument, and the reason."""

    field: str
    code: FieldErrorCode
    message: str


class InvalidValue(Exception):
    """Raised by cleaning functions if a value is invalid."""

    def __init__(self, code: FieldErrorCode, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


class FieldErrors:
    """Collects the errors of the arguments, so that one answer lists them all."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def clean(self, field: str, cleaner: Callable[[str], str], value: str | None) -> str:
        """Return the cleaned value, or add an error and return an empty string."""
        try:
            return cleaner(value or "")
        except InvalidValue as invalid:
            # Not the value itself: the next steps, such as its comparison with the password, are slow for long values.
            self.add(field, invalid.code, invalid.message)
            return ""

    def add(self, field: str, code: FieldErrorCode, message: str | None = None) -> None:
        """Add an error."""
        self.errors.append(FieldError(field, code, message or code.value))

    def raise_if_any(self) -> None:
        """Raise InvalidInput if there are errors."""
        if self.errors:
            raise InvalidInput(*self.errors)


def duration(seconds: int) -> str:
    """Return a duration in words, rounded up: "5 seconds", "3 minutes", "1 hour"."""
    if seconds < 60:
        return f"{seconds} second{'s' * (seconds != 1)}"
    minutes = -(-seconds // 60)
    if minutes < 60:
        return f"{minutes} minute{'s' * (minutes != 1)}"
    hours = -(-minutes // 60)
    return f"{hours} hour{'s' * (hours != 1)}"
