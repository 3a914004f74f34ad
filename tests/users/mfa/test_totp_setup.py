"""Setup of an authenticator app."""

from datetime import timedelta
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from tests.api import Api, Member
from tests.mailbox import mails_to
from tests.passkeys import new_verified_member
from tests.second_factors import (
    BEGIN,
    CONFIRM,
    REMOVE,
    AuthenticatorApp,
    enable_totp,
    request_challenge,
    second_step,
    sign_in_with_totp,
)
from users.mfa import totp_setup
from users.models import Event, RecoveryCode, Session, Totp, User

pytestmark = pytest.mark.django_db


def begin(member: Member) -> dict[str, str]:
    return member(BEGIN).data["beginTotpSetup"]


def code_of(begun: dict[str, str]) -> str:
    return AuthenticatorApp("", begun["secret"], []).code()


def test_the_setup_returns_a_secret_and_stores_nothing() -> None:
    alice = new_verified_member("alice")
    begun = begin(alice)
    assert begun["secret"] in begun["uri"]
    prefix, _, svg = begun["qrCode"].partition(",")
    assert prefix.startswith("data:image/svg+xml")
    assert ElementTree.fromstring(unquote(svg)).tag.endswith("svg")
    assert begun["secret"] not in begun["setup"]
    assert not Totp.objects.exists()
    assert User.objects.get().two_factor_since is None
    assert begin(alice)["secret"] != begun["secret"]


def test_the_confirmation_turns_two_factor_on_and_ends_all_other_sessions() -> None:
    alice, other = new_verified_member("alice"), Api().sign_in_member("alice")
    begun = begin(alice)
    done = alice(CONFIRM, setup=begun["setup"], code=code_of(begun)).data["confirmTotpSetup"]
    assert (len(set(done["recoveryCodes"])), done["endedSessions"]) == (10, 1)
    assert done["security"]["twoFactorEnabled"]
    assert Api().me(other.token).code == "UNAUTHENTICATED"
    assert Api().refresh(other.refresh_token).code == "TOKEN_INVALID"
    claims = Api().refresh(alice.refresh_token).data["refreshToken"]["claims"]
    assert claims["sid"] == alice.claims["sid"]
    assert Session.objects.get(id=claims["sid"]).methods == "password totp"
    assert {"totp.added", "two_factor.enabled"} <= set(Event.objects.values_list("kind", flat=True))
    assert "Two-factor authentication is on" in [mail.subject for mail in mails_to("alice@example.com")]


def test_a_wrong_code_stores_nothing_and_the_setup_stays_valid() -> None:
    alice = new_verified_member("alice")
    begun = begin(alice)
    assert alice(CONFIRM, setup=begun["setup"], code="000000").code == "INVALID_CREDENTIALS"
    assert not Totp.objects.exists()
    assert alice(CONFIRM, setup=begun["setup"], code=code_of(begun)).data


def test_a_setup_works_once() -> None:
    alice = new_verified_member("alice")
    begun = begin(alice)
    assert alice(CONFIRM, setup=begun["setup"], code=code_of(begun)).data
    assert alice(CONFIRM, setup=begun["setup"], code=code_of(begun)).code == "TOKEN_INVALID"


@pytest.mark.django_db(transaction=True)
def test_of_parallel_setups_one_wins(run_concurrently: Any) -> None:
    alice = new_verified_member("alice")
    setups = [begin(alice) for _ in range(4)]
    answers = run_concurrently(
        [lambda each=each: alice(CONFIRM, setup=each["setup"], code=code_of(each)).json for each in setups]
    )
    assert sum("errors" not in answer for answer in answers) == 1
    codes = {answer["errors"][0]["extensions"]["code"] for answer in answers if "errors" in answer}
    assert codes <= {"CONFLICT", "TOKEN_INVALID"}
    assert (Totp.objects.count(), RecoveryCode.objects.count()) == (1, 10)


def test_a_setup_is_for_one_session_and_one_user() -> None:
    alice, elsewhere, bob = new_verified_member("alice"), Api().sign_in_member("alice"), new_verified_member("bob")
    begun = begin(alice)
    for member in (elsewhere, bob):
        assert member(CONFIRM, setup=begun["setup"], code=code_of(begun)).code == "TOKEN_INVALID"


def test_a_setup_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    alice = new_verified_member("alice")
    assert timedelta(minutes=15) == totp_setup.LIFETIME
    monkeypatch.setattr(totp_setup, "LIFETIME", timedelta(0))
    begun = begin(alice)
    assert alice(CONFIRM, setup=begun["setup"], code=code_of(begun)).code == "TOKEN_EXPIRED"


def test_an_unverified_email_may_have_no_factors(settings: Any) -> None:
    mallory = Api().new_member("mallory")
    assert mallory(BEGIN).code == "EMAIL_NOT_VERIFIED"
    settings.GATEWAY_EMAIL_VERIFICATION = "off"
    assert mallory(BEGIN).data


def test_another_app_replaces_the_former_one_and_keeps_the_recovery_codes() -> None:
    alice = new_verified_member("alice")
    former = enable_totp(alice)
    begun = begin(alice)
    done = alice(CONFIRM, setup=begun["setup"], code=code_of(begun)).data["confirmTotpSetup"]
    assert done["recoveryCodes"] is None
    Totp.objects.update(last_step=0)
    assert second_step(request_challenge(), former.code()).code == "INVALID_CREDENTIALS"
    assert second_step(request_challenge(), code_of(begun)).data
    assert second_step(request_challenge(), former.recovery_codes[0]).data
    assert "An authenticator app was added" in [mail.subject for mail in mails_to("alice@example.com")]


def test_removing_the_last_factor_turns_two_factor_off_and_deletes_the_recovery_codes() -> None:
    alice = sign_in_with_totp(enable_totp(new_verified_member("alice")))
    done = alice(REMOVE).data["removeTotp"]
    assert done["security"] == {"twoFactorEnabled": False, "totpEnabled": False, "recoveryCodesRemaining": 0}
    assert not Totp.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert Api().sign_in("alice").data
    assert alice(REMOVE).code == "NOT_FOUND"
    assert {"totp.removed", "two_factor.disabled"} <= set(Event.objects.values_list("kind", flat=True))


def test_setup_needs_the_access_token(api: Api) -> None:
    for document in (BEGIN, REMOVE):
        assert api(document).code == "UNAUTHENTICATED"
    assert api(CONFIRM, {"setup": "x", "code": "123456"}).code == "UNAUTHENTICATED"
