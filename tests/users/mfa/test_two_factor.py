"""Two-factor authentication, turned on and off; and the setting that requires it."""

from typing import Any

import pytest

from tests.api import Api
from tests.mailbox import mails_to
from tests.passkeys import new_verified_member
from tests.second_factors import (
    BEGIN,
    CONFIRM,
    REGENERATE,
    SECURITY,
    SET,
    AuthenticatorApp,
    enable_totp,
    request_challenge,
    second_step,
    sign_in_with_totp,
)
from users.models import Event, RecoveryCode, Session, User

pytestmark = pytest.mark.django_db


def test_turning_it_off_and_on_again_makes_new_recovery_codes_and_ends_other_sessions() -> None:
    alice = new_verified_member("alice")
    app = enable_totp(alice)
    assert alice(SET, enabled=False).data["setTwoFactor"] == {
        "recoveryCodes": None,
        "endedSessions": 0,
        "security": {"twoFactorEnabled": False},
    }
    assert not RecoveryCode.objects.exists()
    other = Api().sign_in_member("alice")
    done = alice(SET, enabled=True).data["setTwoFactor"]
    assert (len(done["recoveryCodes"]), done["endedSessions"]) == (10, 1)
    assert not set(done["recoveryCodes"]) & set(app.recovery_codes)
    assert Api().me(other.token).code == "UNAUTHENTICATED"
    assert second_step(request_challenge(), app.fresh_code()).data
    subjects = [mail.subject for mail in mails_to("alice@example.com")]
    assert subjects.count("Two-factor authentication is on") == 2
    assert "Two-factor authentication is off" in subjects


def test_turning_it_on_twice_changes_nothing() -> None:
    alice = sign_in_with_totp(enable_totp(new_verified_member("alice")))
    before = list(User.objects.values("factors_version", "two_factor_since"))
    done = alice(SET, enabled=True).data["setTwoFactor"]
    assert (done["recoveryCodes"], done["endedSessions"]) == (None, 0)
    assert list(User.objects.values("factors_version", "two_factor_since")) == before


def test_it_cannot_be_turned_on_without_a_factor() -> None:
    answer = new_verified_member("alice")(SET, enabled=True)
    assert answer.code == "TWO_FACTOR_SETUP_REQUIRED"
    assert not Event.objects.filter(kind="two_factor.enabled").exists()


def test_new_recovery_codes_replace_the_former_ones() -> None:
    alice = new_verified_member("alice")
    app = enable_totp(alice)
    codes = alice(REGENERATE).data["regenerateRecoveryCodes"]["recoveryCodes"]
    assert second_step(request_challenge(), app.recovery_codes[0]).code == "INVALID_CREDENTIALS"
    assert second_step(request_challenge(), codes[0]).data
    assert "New recovery codes" in [mail.subject for mail in mails_to("alice@example.com")]


def test_recovery_codes_need_two_factor_authentication() -> None:
    assert new_verified_member("alice")(REGENERATE).code == "TWO_FACTOR_SETUP_REQUIRED"


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_that_began_before_two_factor_was_on_opens_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    alice = new_verified_member("alice")
    app: list[AuthenticatorApp] = []

    def turn_on_meanwhile(*arguments: Any) -> bool:
        # After the user was read, before the session is opened.
        if not app:
            app.append(enable_totp(alice))
        return False

    monkeypatch.setattr("users.sign_in.admission.throttle.is_new_place", turn_on_meanwhile)
    assert Api().sign_in("alice").code == "INVALID_CREDENTIALS"
    assert Session.objects.filter(ended_at=None).count() == 1


# --- GATEWAY_TWO_FACTOR --------------------------------------------------------------------------

REFUSED = (
    "{ me { username } }",
    "{ me { security { hasPassword } username } }",
    "{ dashboard { message } }",
    "{ accountExport }",
    'mutation { updateProfile(bio: "x") { user { bio } } }',
    'mutation { dashboard(text: "x") { message } }',
)


@pytest.mark.parametrize("document", REFUSED)
def test_required_refuses_everything_before_the_setup(document: str, settings: Any) -> None:
    settings.GATEWAY_TWO_FACTOR = "required"
    alice = new_verified_member("alice")
    assert alice(document).code == "TWO_FACTOR_SETUP_REQUIRED"
    enable_totp(alice)
    assert alice(document).data


def test_required_allows_the_setup_refreshing_and_signing_out(settings: Any) -> None:
    settings.GATEWAY_TWO_FACTOR = "required"
    alice = new_verified_member("alice")
    assert alice(SECURITY).data["me"]["security"]["twoFactorEnabled"] is False
    assert alice("fragment s on User { security { hasPassword } } { me { __typename ...s } }").data
    assert alice(BEGIN).data
    grant = Api().refresh(alice.refresh_token).data["refreshToken"]
    assert alice("mutation { endAllSessions(keepCurrent: true) { endedSessions } }").data
    assert Api().revoke(grant["refreshToken"]).data


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_staff_is_required_of_staff_only(flag: str, settings: Any) -> None:
    settings.GATEWAY_TWO_FACTOR = "staff"
    alice, bob = new_verified_member("alice"), new_verified_member("bob")
    User.objects.filter(username="alice").update(**{flag: True})
    assert alice("{ me { username } }").code == "TWO_FACTOR_SETUP_REQUIRED"
    assert bob("{ me { username } }").data
    begun = alice(BEGIN).data["beginTotpSetup"]
    assert alice(CONFIRM, setup=begun["setup"], code=AuthenticatorApp("", begun["secret"], []).code()).data
    assert alice("{ me { username } }").data
