"""The password hashers and validators."""

from typing import Any

import pytest
from django.contrib.auth.hashers import get_hashers
from django.contrib.auth.password_validation import get_password_validators, validate_password
from django.core.exceptions import ValidationError

from gateway.conf import passwords
from tests.gateway.test_settings import DEVELOPMENT, read


def error_codes(password: str, *, min_length: int = 8, product: str = "Gateway") -> set[str]:
    """Return the codes of the errors of a password."""
    validators = get_password_validators(passwords.validators(min_length, product=product))
    try:
        validate_password(password, password_validators=validators)
    except ValidationError as invalid:
        return {str(error.code) for error in invalid.error_list}
    return set()


def test_minimum_password_length_reaches_the_validators(monkeypatch: pytest.MonkeyPatch) -> None:
    validators = read(monkeypatch, **DEVELOPMENT, GATEWAY_PASSWORD_MIN_LENGTH="15")["AUTH_PASSWORD_VALIDATORS"]
    assert {"min_length": 15} in [each.get("OPTIONS") for each in validators]


def test_validators_refuse_passwords_below_the_minimum_length() -> None:
    assert error_codes("xK9#vQ2wLp5!zR", min_length=15) == {"password_too_short"}
    assert error_codes("xK9#vQ2wLp5!zRt", min_length=15) == set()


def test_validators_refuse_the_name_of_the_product() -> None:
    assert error_codes("thornbyshire", product="Thornbyshire") == {"password_too_similar"}
    assert error_codes("thornbyshire", product="Gateway") == set()


def test_every_hasher_can_be_loaded_and_the_first_is_argon2(settings: Any) -> None:
    settings.PASSWORD_HASHERS = passwords.HASHERS
    assert get_hashers()[0].algorithm == "argon2"
    assert len({hasher.algorithm for hasher in get_hashers()}) == len(passwords.HASHERS)
