"""Passkeys, as a client uses them."""

from typing import Any

from tests.api import GRANT, Answer, Api, Member
from tests.authenticator import Authenticator
from users.models import User

CREATION_OPTIONS = "mutation { passkeyRegistrationOptions { options } }"
REGISTER = """mutation ($passkey: PasskeyRegistration!, $name: String) {
    registerPasskey(passkey: $passkey, name: $name) {
        passkey { id name authenticator isBackedUp credentialId createdAt lastUsedAt } } }"""
REQUEST_OPTIONS = "mutation ($challenge: String) { passkeyAssertionOptions(challenge: $challenge) { options } }"
SIGN_IN = (
    "mutation ($passkey: PasskeyAssertion!, $deviceName: String) {"
    "passkeyAuth(passkey: $passkey, deviceName: $deviceName) {" + GRANT + "} }"
)
RENAME = "mutation ($id: ID!, $name: String!) { renamePasskey(id: $id, name: $name) { passkey { id name } } }"
REMOVE = "mutation ($id: ID!) { removePasskey(id: $id) { removedPasskeyId } }"


def new_verified_member(username: str = "alice") -> Member:
    """Return a member whose email is verified, as passkeys require."""
    member = Api().new_member(username)
    User.objects.filter(username=username).update(is_email_verified=True)
    return member


def creation_options(member: Member) -> dict[str, Any]:
    """Return options to create a passkey."""
    return member(CREATION_OPTIONS).data["passkeyRegistrationOptions"]["options"]


def register_passkey(member: Member, key: Authenticator, name: str | None = None, **client_data: Any) -> Answer:
    """Create a passkey and send it."""
    return member(REGISTER, passkey=key.create(creation_options(member), **client_data), name=name)


def add_passkey(member: Member, **parts: Any) -> Authenticator:
    """Return a passkey that the member has added."""
    key = Authenticator(**parts)
    assert "errors" not in (answer := register_passkey(member, key).json), answer
    return key


def request_options(challenge: str | None = None, *, token: str | None = None) -> dict[str, Any]:
    """Return options to use a passkey."""
    answer = Api()(REQUEST_OPTIONS, {"challenge": challenge}, token=token)
    return answer.data["passkeyAssertionOptions"]["options"]


def sign_in_with_passkey(assertion: Any, **headers: str) -> Answer:
    """Sign in with the response of a passkey."""
    return Api()(SIGN_IN, {"passkey": assertion}, **headers)
