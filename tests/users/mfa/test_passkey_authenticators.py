"""The names of authenticators."""

from uuid import UUID

from users.mfa import passkey_authenticators


def test_known_authenticator_has_a_name() -> None:
    assert passkey_authenticators.name_of(UUID("bada5566-a7aa-401f-bd96-45619a55120d")) == "1Password"


def test_authenticator_that_hides_its_model_has_no_name() -> None:
    assert passkey_authenticators.name_of(UUID(int=0)) is None
