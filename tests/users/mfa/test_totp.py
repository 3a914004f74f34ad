"""Secrets of authenticator apps in the database."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.passkeys import new_verified_member
from tests.second_factors import AuthenticatorApp, enable_totp, request_challenge, second_step
from users.mfa import totp
from users.models import Totp

pytestmark = pytest.mark.django_db


@pytest.fixture
def app() -> AuthenticatorApp:
    return enable_totp(new_verified_member("alice"))


def rotate() -> str:
    said = io.StringIO()
    call_command("rotate_keys", "--every=365d", stdout=said)
    return said.getvalue()


def test_the_secret_is_stored_encrypted(app: AuthenticatorApp) -> None:
    row = Totp.objects.get()
    assert app.secret not in str(Totp.objects.values())
    assert row.sealed.startswith("gAAAA")


def test_rotate_keys_encrypts_secrets_again_and_codes_keep_working(app: AuthenticatorApp, settings: Any) -> None:
    settings.GATEWAY_SIGNING_KEYS, former = "", settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [former]
    assert second_step(request_challenge(), app.fresh_code()).data
    assert "1 secrets of authenticator apps" in rotate()
    assert "authenticator" not in rotate()
    settings.SECRET_KEY_FALLBACKS = []
    assert second_step(request_challenge(), app.fresh_code()).data


def test_rotate_keys_encrypts_secrets_also_where_a_setting_holds_the_signing_keys(
    app: AuthenticatorApp, settings: Any
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [settings.SECRET_KEY]
    with pytest.raises(CommandError, match="GATEWAY_SIGNING_KEYS"):
        rotate()
    settings.SECRET_KEY_FALLBACKS = []
    assert second_step(request_challenge(), app.fresh_code()).data


def test_all_secrets_are_encrypted_again_in_batches(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("users.pruning.BATCH", 2)
    for name in ("alice", "bob", "carol", "dave", "erin"):
        enable_totp(new_verified_member(name))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [settings.SECRET_KEY]
    assert (totp.reencrypt_all(), totp.reencrypt_all()) == (5, 0)


def test_a_secret_that_no_key_decrypts_is_logged_and_left(
    app: AuthenticatorApp, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    before = Totp.objects.get().sealed
    settings.SECRET_KEY = "another" * 10
    assert totp.reencrypt_all() == 0
    assert Totp.objects.get().sealed == before
    assert app.user in caplog.text
    assert app.secret not in caplog.text
