"""Operations that send or need mail, as a client requests them."""

from typing import Any

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, Member
from tests.mailbox import last_mail_to

ADDRESS = "alice@example.com"
OTHER = "alice@example.org"
RESET = """mutation ($token: String!, $new: String!, $email: String) {
    resetPassword(token: $token, newPassword: $new, email: $email) { endedSessions user { username } } }"""
VERIFY = """mutation ($token: String!, $email: String) {
    verifyEmail(token: $token, email: $email) { user { username email isEmailVerified } } }"""
UNDO = "mutation ($token: String!) { undoEmailChange(token: $token) { endedSessions user { email } } }"
CHANGE = (
    "mutation ($new: String!, $password: String!) { changeEmail(newEmail: $new, password: $password) { accepted } }"
)
CLOSE = "mutation ($password: String!) { deleteAccount(password: $password) { erasedAt } }"
REQUESTS = {
    "reset": "mutation ($email: String!) { requestPasswordReset(email: $email) { accepted } }",
    "verify": "mutation ($email: String!) { requestEmailVerification(email: $email) { accepted } }",
}


def request_mail(what: str, email: str = ADDRESS, **headers: str) -> Answer:
    return Api()(REQUESTS[what], {"email": email}, **headers)


def reset_password(token: str, new: str = NEW_PASSWORD, email: str | None = None, **headers: str) -> Answer:
    return Api()(RESET, {"token": token, "new": new, "email": email}, **headers)


def verify_email(token: str, email: str | None = None, *, by: Member | None = None, **headers: str) -> Answer:
    return Api()(VERIFY, {"token": token, "email": email}, token=by.token if by else None, **headers)


def undo_email_change(token: str) -> Answer:
    return Api()(UNDO, {"token": token})


def request_email_change(member: Member, new: str = OTHER, password: str = PASSWORD) -> Answer:
    return member(CHANGE, new=new, password=password)


def delete_account(member: Member, password: str = PASSWORD) -> Answer:
    return member(CLOSE, password=password)


def verified_member(username: str = "alice", **arguments: Any) -> Member:
    """Return a new member with a verified email."""
    member = Api().new_member(username, **arguments)
    email = arguments.get("email", f"{username}@example.com")
    assert "errors" not in verify_email(last_mail_to(email).token, by=member).json
    return member


def change_email(member: Member, new: str = OTHER, password: str = PASSWORD) -> None:
    """Change a member's address to the end."""
    assert "errors" not in request_email_change(member, new, password).json
    assert "errors" not in verify_email(last_mail_to(new).token).json
