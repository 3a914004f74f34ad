"""Authenticating again: which operations require it, and which proofs it accepts."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.dateparse import parse_datetime

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, Member, backdate
from tests.mail_flows import CHANGE, CLOSE, OTHER
from tests.passkeys import new_verified_member
from tests.second_factors import (
    BEGIN,
    REAUTHENTICATE,
    REGENERATE,
    REMOVE,
    SECURITY,
    SET,
    enable_totp,
    sign_in_with_totp,
)
from users.models import Event, Session, Totp, User

pytestmark = pytest.mark.django_db
LIFETIME = timedelta(minutes=10)
EXPORT = "{ accountExport }"
CHANGE_PASSWORD = """mutation ($old: String!, $new: String!) {
    changePassword(oldPassword: $old, newPassword: $new) { endedSessions } }"""
# Without two-factor authentication: a recent authentication, which the password gives.
ALWAYS = {
    "beginTotpSetup": lambda member: member(BEGIN),
    "setTwoFactor": lambda member: member(SET, enabled=False),
}
# With two-factor authentication: a recent second factor, in addition to the arguments.
WITH_TWO_FACTOR = {
    "beginTotpSetup": lambda member: member(BEGIN),
    "removeTotp": lambda member: member(REMOVE),
    "setTwoFactor": lambda member: member(SET, enabled=False),
    "regenerateRecoveryCodes": lambda member: member(REGENERATE),
    "changePassword": lambda member: member(CHANGE_PASSWORD, old=PASSWORD, new=NEW_PASSWORD),
    "changeEmail": lambda member: member(CHANGE, new=OTHER, password=PASSWORD),
    "deleteAccount": lambda member: member(CLOSE, password=PASSWORD),
    "accountExport": lambda member: member(EXPORT),
}
NEVER = {
    "updateProfile": 'mutation { updateProfile(bio: "x") { user { bio } } }',
    "endAllSessions": "mutation { endAllSessions(keepCurrent: true) { endedSessions } }",
    "me": "{ me { username sessions { id } } }",
}


def grow_old(member: Member, span: timedelta = LIFETIME) -> None:
    """Move the session's authentication into the past."""
    session = Session.objects.filter(id=member.claims["sid"])
    backdate(session, span, "created_at", "rotated_at")
    backdate(session.exclude(reauthenticated_at=None), span, "reauthenticated_at")


def reauthenticate(member: Member, **proof: str) -> Answer:
    return member(REAUTHENTICATE, **proof)


@pytest.mark.parametrize("operation", ALWAYS)
def test_operations_require_a_recent_authentication(operation: str) -> None:
    alice = new_verified_member("alice")
    assert ALWAYS[operation](alice).data
    grow_old(alice)
    answer = ALWAYS[operation](alice)
    assert answer.code == "REAUTHENTICATION_REQUIRED"
    assert (answer.extensions["maxAge"], answer.extensions["methods"]) == (600, ["PASSWORD"])
    assert reauthenticate(alice, password=PASSWORD).data
    assert ALWAYS[operation](alice).data


@pytest.mark.parametrize("operation", WITH_TWO_FACTOR)
def test_operations_require_a_recent_second_factor(operation: str) -> None:
    alice = new_verified_member("alice")
    app = enable_totp(alice)
    grow_old(alice)
    answer = WITH_TWO_FACTOR[operation](alice)
    assert answer.code == "REAUTHENTICATION_REQUIRED"
    assert answer.extensions["methods"] == ["TOTP", "RECOVERY_CODE"]
    # The password alone is refused, and moves nothing.
    assert reauthenticate(alice, password=PASSWORD).code == "REAUTHENTICATION_REQUIRED"
    assert WITH_TWO_FACTOR[operation](alice).code == "REAUTHENTICATION_REQUIRED"
    assert reauthenticate(alice, code=app.fresh_code()).data
    assert WITH_TWO_FACTOR[operation](alice).data


@pytest.mark.parametrize("operation", WITH_TWO_FACTOR)
def test_a_sign_in_with_a_second_factor_counts(operation: str) -> None:
    alice = sign_in_with_totp(enable_totp(new_verified_member("alice")))
    assert WITH_TWO_FACTOR[operation](alice).data


@pytest.mark.parametrize("operation", ["changePassword", "changeEmail", "deleteAccount", "accountExport"])
def test_operations_with_a_password_require_nothing_else_without_two_factor(operation: str) -> None:
    alice = new_verified_member("alice")
    grow_old(alice)
    assert WITH_TWO_FACTOR[operation](alice).data


@pytest.mark.parametrize("operation", ["changePassword", "changeEmail", "deleteAccount"])
def test_a_second_factor_does_not_replace_the_password(operation: str) -> None:
    alice = sign_in_with_totp(enable_totp(new_verified_member("alice")))
    answer = {
        "changePassword": lambda: alice(CHANGE_PASSWORD, old="wrong horse", new=NEW_PASSWORD),
        "changeEmail": lambda: alice(CHANGE, new=OTHER, password="wrong horse"),
        "deleteAccount": lambda: alice(CLOSE, password="wrong horse"),
    }[operation]()
    assert answer.code == "INVALID_CREDENTIALS"


@pytest.mark.parametrize("operation", NEVER)
def test_other_operations_require_no_recent_authentication(operation: str) -> None:
    alice = new_verified_member("alice")
    enable_totp(alice)
    grow_old(alice)
    assert alice(NEVER[operation]).data


@pytest.mark.parametrize(
    "field", ['changeEmail(newEmail: "new@example.org") { accepted }', "deleteAccount { erasedAt }"]
)
def test_without_a_password_a_recent_authentication_is_enough_and_an_old_one_is_not(field: str) -> None:
    alice = new_verified_member("alice")
    User.objects.update(password="!")
    grow_old(alice)
    answer = alice(f"mutation {{ {field} }}")
    assert (answer.code, answer.extensions["methods"]) == ("REAUTHENTICATION_REQUIRED", [])
    assert reauthenticate(alice, password=PASSWORD).code == "INVALID_CREDENTIALS"
    grow_old(alice, -LIFETIME)
    assert alice(f"mutation {{ {field} }}").data


def test_an_account_without_any_method_is_refused() -> None:
    alice = new_verified_member("alice")
    app = enable_totp(alice)
    Totp.objects.all().delete()
    for code in app.recovery_codes:
        reauthenticate(alice, code=code)
    grow_old(alice)
    answer = alice(REGENERATE)
    assert (answer.code, answer.extensions["methods"]) == ("REAUTHENTICATION_REQUIRED", [])
    for proof in ({"password": PASSWORD}, {"code": app.code()}, {"code": app.recovery_codes[0]}):
        assert "errors" in reauthenticate(alice, **proof).json
    assert alice(REGENERATE).code == "REAUTHENTICATION_REQUIRED"


def test_a_session_opened_by_code_has_no_recent_authentication() -> None:
    alice = new_verified_member("alice")
    Session.objects.update(methods="")
    assert alice(BEGIN).code == "REAUTHENTICATION_REQUIRED"


def test_a_session_of_the_password_alone_is_not_recent_once_two_factor_is_on() -> None:
    alice = new_verified_member("alice")
    enable_totp(alice)
    # As a session that the previous release opened during an upgrade.
    Session.objects.update(methods="password")
    assert alice(REGENERATE).code == "REAUTHENTICATION_REQUIRED"


def test_a_password_does_not_refresh_a_second_factor_of_long_ago() -> None:
    alice = new_verified_member("alice")
    app = enable_totp(alice)
    assert alice(SET, enabled=False).data
    grow_old(alice)
    assert reauthenticate(alice, password=PASSWORD).data["reauthenticate"]["claims"]["acr"] == "aal1"
    answer = alice(SET, enabled=True)
    assert (answer.code, answer.extensions["methods"]) == ("REAUTHENTICATION_REQUIRED", ["TOTP"])
    claims = reauthenticate(alice, code=app.fresh_code()).data["reauthenticate"]["claims"]
    assert (claims["acr"], claims["amr"]) == ("aal2", ["pwd", "otp", "mfa"])
    assert alice(SET, enabled=True).data


# --- the new token -------------------------------------------------------------------------------


def test_it_returns_a_new_access_token_and_keeps_everything_else() -> None:
    alice, other = new_verified_member("alice"), Api().sign_in_member("alice")
    grow_old(alice, timedelta(hours=1))
    former = alice.claims
    done = reauthenticate(alice, password=PASSWORD).data["reauthenticate"]
    claims = Api()("mutation ($t: String) { verifyToken(token: $t) { payload } }", {"t": done["token"]})
    payload = claims.data["verifyToken"]["payload"]
    assert payload["sid"] == former["sid"]
    assert payload["auth_time"] == done["claims"]["authTime"] > former["iat"] - 3_600
    assert payload["exp"] - payload["iat"] == 300
    assert payload["origIat"] < payload["auth_time"] - 3_000
    assert parse_datetime(done["reauthenticatedUntil"]).timestamp() == pytest.approx(payload["auth_time"] + 600, abs=1)
    # The former access token, the refresh token and other sessions stay.
    assert Api().me(alice.token).data
    assert Api().me(other.token).data
    refreshed = Api().refresh(alice.refresh_token).data["refreshToken"]
    assert refreshed["claims"]["sid"] == former["sid"]


def test_refreshing_moves_neither_auth_time_nor_acr_and_repeats_the_same_pair() -> None:
    alice = sign_in_with_totp(enable_totp(new_verified_member("alice")))
    grow_old(alice, timedelta(minutes=5))
    session = Session.objects.get(id=alice.claims["sid"])
    document = "mutation ($t: String!) { refreshToken(refreshToken: $t) { token refreshToken payload } }"
    pairs = [Api()(document, {"t": alice.refresh_token}).response.content for _ in range(3)]
    assert len(set(pairs)) == 1
    payload = Api()(document, {"t": alice.refresh_token}).data["refreshToken"]["payload"]
    assert payload["auth_time"] == int(session.authenticated_at.timestamp()) < payload["iat"] - 200
    assert (payload["acr"], payload["amr"]) == ("aal2", ["pwd", "otp", "mfa"])


@pytest.mark.parametrize("reauthenticated", [False, True])
def test_a_refresh_returns_a_valid_token_after_the_clock_was_set_back(reauthenticated: bool) -> None:
    alice = new_verified_member("alice")
    if reauthenticated:
        assert reauthenticate(alice, password=PASSWORD).data
    grow_old(alice, -timedelta(hours=1))
    refreshed = Api().refresh(alice.refresh_token).data["refreshToken"]
    assert Api().me(refreshed["token"]).data


def test_jti_changes_with_the_authentication() -> None:
    alice = new_verified_member("alice")
    ids = set()
    for _ in range(3):
        token = reauthenticate(alice, password=PASSWORD).data["reauthenticate"]["token"]
        ids.add(
            Api()("mutation ($t: String) { verifyToken(token: $t) { payload } }", {"t": token}).data["verifyToken"][
                "payload"
            ]["jti"]
        )
    assert len(ids) == 3


def test_the_session_lists_its_methods_and_its_authentication() -> None:
    alice = sign_in_with_totp(enable_totp(new_verified_member("alice")))
    listed = alice("{ me { sessions { isCurrent methods createdAt authenticatedAt } } }").data["me"]["sessions"]
    methods = {each["isCurrent"]: each["methods"] for each in listed}
    assert methods[True] == ["PASSWORD", "TOTP"]
    assert (
        next(each for each in listed if each["isCurrent"])["createdAt"]
        == next(each for each in listed if each["isCurrent"])["authenticatedAt"]
    )


# --- arguments, limits, races --------------------------------------------------------------------


@pytest.mark.parametrize("proof", [{}, {"password": PASSWORD, "code": "123456"}])
def test_exactly_one_argument_is_needed(proof: dict[str, str]) -> None:
    assert reauthenticate(new_verified_member("alice"), **proof).code == "BAD_USER_INPUT"


def test_wrong_proofs_are_recorded_and_limited() -> None:
    alice = new_verified_member("alice")
    enable_totp(alice)
    codes = [reauthenticate(alice, code="000000").code for _ in range(11)]
    assert codes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"]
    assert Event.objects.filter(kind="reauthentication.refused").count() == 10
    assert not Event.objects.filter(kind="session.reauthenticated").exists()


def test_a_code_that_reauthenticated_does_not_sign_in_and_the_reverse() -> None:
    alice = new_verified_member("alice")
    app = enable_totp(alice)
    code = app.fresh_code()
    assert reauthenticate(alice, code=code).data
    assert reauthenticate(alice, code=code).code == "INVALID_CREDENTIALS"


def test_an_ended_session_cannot_authenticate_again() -> None:
    alice = new_verified_member("alice")
    Session.objects.update(ended_at="2026-01-01T00:00:00Z")
    assert reauthenticate(alice, password=PASSWORD).code == "UNAUTHENTICATED"


@pytest.mark.django_db(transaction=True)
def test_parallel_uses_of_one_code_count_once(run_concurrently: Any) -> None:
    alice = new_verified_member("alice")
    code = enable_totp(alice).fresh_code()
    answers = run_concurrently([lambda: reauthenticate(alice, code=code).json for _ in range(8)])
    assert sum("errors" not in answer for answer in answers) == 1


def test_security_shows_until_when_and_how() -> None:
    alice = new_verified_member("alice")
    security = alice(SECURITY).data["me"]["security"]
    assert security | {"reauthenticatedUntil": None} == {
        "twoFactorEnabled": False,
        "hasPassword": True,
        "totpEnabled": False,
        "recoveryCodesRemaining": 0,
        "reauthenticatedUntil": None,
        "reauthenticationMethods": ["PASSWORD"],
    }
    assert security["reauthenticatedUntil"]
    enable_totp(alice)
    grow_old(alice)
    assert alice(SECURITY).data["me"]["security"] == {
        "twoFactorEnabled": True,
        "hasPassword": True,
        "totpEnabled": True,
        "recoveryCodesRemaining": 10,
        "reauthenticatedUntil": None,
        "reauthenticationMethods": ["TOTP", "RECOVERY_CODE"],
    }
