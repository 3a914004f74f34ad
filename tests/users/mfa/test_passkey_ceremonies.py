"""Challenges expire, survive a change of SECRET_KEY, and need the feature to be on."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from users.errors import FeatureDisabled, TokenExpired, TokenInvalid
from users.mfa import passkey_ceremonies
from users.mfa.passkey_ceremonies import CHALLENGE_LIFETIME, Purpose


def at(monkeypatch: pytest.MonkeyPatch, age: timedelta) -> None:
    """Let the clock of the gateway be behind, or ahead with a negative age."""
    now = timezone.now() - age
    monkeypatch.setattr(passkey_ceremonies.timezone, "now", lambda: now)


def test_challenge_is_valid_until_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    challenge = passkey_ceremonies.issue_challenge(Purpose.SIGN_IN, subject="")
    at(monkeypatch, -CHALLENGE_LIFETIME + timedelta(seconds=30))
    passkey_ceremonies.check_challenge(challenge, Purpose.SIGN_IN, subject="")
    monkeypatch.undo()
    at(monkeypatch, -CHALLENGE_LIFETIME)
    with pytest.raises(TokenExpired):
        passkey_ceremonies.check_challenge(challenge, Purpose.SIGN_IN, subject="")


@pytest.mark.parametrize("purpose", [each for each in Purpose if each is not Purpose.SIGN_IN])
def test_challenge_of_another_purpose_is_refused(purpose: Purpose) -> None:
    challenge = passkey_ceremonies.issue_challenge(purpose, subject="alice")
    with pytest.raises(TokenInvalid):
        passkey_ceremonies.check_challenge(challenge, Purpose.SIGN_IN, subject="alice")


def test_challenge_survives_a_change_of_the_secret_key(settings: Any) -> None:
    challenge = passkey_ceremonies.issue_challenge(Purpose.SIGN_IN, subject="")
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another secret key " * 4
    with pytest.raises(TokenInvalid):
        passkey_ceremonies.check_challenge(challenge, Purpose.SIGN_IN, subject="")
    settings.SECRET_KEY_FALLBACKS = [former]
    passkey_ceremonies.check_challenge(challenge, Purpose.SIGN_IN, subject="")


def test_no_relying_party_without_an_rp_id(settings: Any) -> None:
    assert passkey_ceremonies.relying_party().id == "localhost"
    settings.GATEWAY_PASSKEY_RP_ID = ""
    assert not passkey_ceremonies.is_enabled()
    with pytest.raises(FeatureDisabled):
        passkey_ceremonies.relying_party()
