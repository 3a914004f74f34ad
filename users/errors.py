"""Every refusal: a class, a code, a message. The codes are contract, the messages are prose."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar


class ErrorCode(Enum):
    """Every value that `extensions.code` can take."""

    UNAUTHENTICATED = (
        "No valid access token came in the header: refresh, then retry. `extensions.reason` is "
        "TOKEN_MISSING, TOKEN_EXPIRED or TOKEN_INVALID. Never the answer to a wrong password or a bad "
        "token in an argument."
    )
    FORBIDDEN = "The signed-in user may not do this; in cookie mode, the page's origin is not allowed."
    BAD_USER_INPUT = "An argument will not do; see `extensions.fieldErrors`."
    INVALID_CREDENTIALS = "The name or the password is wrong."
    EMAIL_NOT_VERIFIED = "The address must be verified first; `requestEmailVerification` sends another mail."
    RATE_LIMITED = "Too many attempts; wait `extensions.retryAfter` seconds."
    TOKEN_INVALID = "The token in the argument is not one of ours, or is spent."
    TOKEN_EXPIRED = "The token in the argument has expired."
    TOKEN_REUSED = "This refresh token was already used: its session has been ended."
    CONFLICT = "A concurrent change won; reload, then retry."
    NOT_FOUND = "Not found, or not yours."
    OPERATION_TOO_COMPLEX = "The document asks for more than the gateway allows."
    GRAPHQL_PARSE_FAILED = "The document is not GraphQL."
    GRAPHQL_VALIDATION_FAILED = "The document does not fit the schema."
    BAD_REQUEST = "The request is not a GraphQL request."
    OPERATION_RESOLUTION_FAILURE = "Which operation of the document is meant does not show."
    PERSISTED_QUERY_NOT_FOUND = "Send the document along with its hash."
    PERSISTED_QUERY_NOT_SUPPORTED = "This gateway keeps no documents by hash, or only those it was given."
    SERVICE_UNAVAILABLE = "The gateway cannot do this at the moment; retry after `extensions.retryAfter` seconds."
    INTERNAL_SERVER_ERROR = "The server failed; quote `extensions.requestId`."


class FieldErrorCode(Enum):
    """Every value that `extensions.fieldErrors[].code` can take."""

    REQUIRED = "The argument is missing or empty."
    INVALID = "The argument has a form that will not do."
    TOO_LONG = "The argument is longer than the gateway takes."
    TAKEN = "Another account has this already."
    MISMATCH = "The two values that must be equal are not."
    PASSWORD_TOO_SHORT = "The password has fewer characters than this gateway asks for."
    PASSWORD_TOO_COMMON = "The password is among those that are tried first."
    PASSWORD_TOO_SIMILAR = "The password is too close to the name, the address or the product."
    PASSWORD_ENTIRELY_NUMERIC = "The password is made of digits alone."
    PASSWORD_BREACHED = "The password stands in a known collection of stolen ones."
    PASSWORD_UNCHANGED = "The new password is the old one."


class Reason(Enum):
    """Why no one is signed in: `extensions.reason` of UNAUTHENTICATED."""

    TOKEN_MISSING = "No access token came in the Authorization header."
    TOKEN_EXPIRED = "The access token in the Authorization header has expired."
    TOKEN_INVALID = "The access token in the Authorization header is not valid, or its session has ended."


class Refusal(Exception):
    """What a rule raises where it will not do as asked."""

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
        super().__init__(f"Too many attempts; wait {retry_after} seconds.", retryAfter=retry_after)


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


class ServiceUnavailable(Refusal):
    code = ErrorCode.SERVICE_UNAVAILABLE

    def __init__(self, retry_after: int) -> None:
        message = f"The gateway cannot do this now; retry after {retry_after} seconds."
        super().__init__(message, retryAfter=retry_after)


class InvalidInput(Refusal):
    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, *errors: "FieldError") -> None:
        super().__init__(" ".join(error.message for error in errors), field_errors=errors)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One argument that will not do, and why."""

    field: str
    code: FieldErrorCode
    message: str


class WrongValue(Exception):
    """What a cleaning function raises: the value will not do, whichever argument it came in."""

    def __init__(self, code: FieldErrorCode, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


class Inspection:
    """Looks at all arguments before it refuses, so that every wrong one is named at once."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def clean(self, field: str, cleaner: Callable[[str], str], value: str | None) -> str:
        """Return the cleaned value; an empty text where it is invalid, with a note of what is wrong with it."""
        try:
            return cleaner(value or "")
        except WrongValue as wrong:
            # Never the value itself: what comes next, such as the comparison with the password, is not bounded.
            self.add(field, wrong.code, wrong.message)
            return ""

    def add(self, field: str, code: FieldErrorCode, message: str | None = None) -> None:
        """Note what is wrong with an argument."""
        self.errors.append(FieldError(field, code, message or code.value))

    def finish(self) -> None:
        """Refuse where anything was noted."""
        if self.errors:
            raise InvalidInput(*self.errors)
