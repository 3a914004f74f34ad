"""Passkeys as second factor and for reauthentication, and the changes that require a recent authentication."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.api import GRANT, PASSWORD, Answer, Api, Member, backdate
from tests.authenticator import PRESENT, Authenticator
from tests.mail_flows import ADDRESS
from tests.mailbox import mails_to
from tests.passkeys import (
    CREATION_OPTIONS,
    REGISTER,
    REMOVE,
    add_passkey,
    creation_options,
    new_verified_member,
    register_passkey,
    request_options,
    sign_in_with_passkey,
)
from users.models import Event, Passkey, Session, User

SECOND_FACTOR = (
    "mutation ($challenge: String!, $code: String, $passkey: PasskeyAssertion) {"
    "secondFactorAuth(challenge: $challenge, code: $code, passkey: $passkey) {"
    + GRANT.replace("claims {", "claims { acr amr")
    + "} }"
)
REAUTHENTICATE = """mutation ($password: String, $code: String, $passkey: PasskeyAssertion) {
    reauthenticate(password: $password, code: $code, passkey: $passkey) { token claims { acr amr sid } } }"""
SET = "mutation ($on: Boolean!) { setTwoFactor(enabled: $on) { recoveryCodes security { twoFactorEnabled } } }"
SECURITY = """{ me { security { twoFactorEnabled passkeys { name lastUsedAt } reauthenticatedUntil
    reauthenticationMethods } } }"""


@pytest.fixture
def alice(api: Api) -> Member:
    return new_verified_member()


@pytest.fixture
def key(alice: Member) -> Authenticator:
    return add_passkey(alice)


def protect(key: Authenticator) -> list[str]:
    """Turn on two-factor authentication with the passkey, and return the recovery codes."""
    token = sign_in_with_passkey(key.get(request_options())).data["passkeyAuth"]["token"]
    codes: list[str] = Api()(SET, {"on": True}, token=token).data["setTwoFactor"]["recoveryCodes"]
    return codes


def first_step(username: str = "alice") -> Answer:
    answer = Api().sign_in(username)
    assert answer.code == "SECOND_FACTOR_REQUIRED"
    return answer


def second_step(challenge: str, **factor: Any) -> Answer:
    return Api()(SECOND_FACTOR, {"challenge": challenge, **factor})


def outdate() -> None:
    """Let the last authentication of all sessions be an hour old."""
    Session.objects.update(reauthenticated_at=None)
    backdate(Session.objects.all(), timedelta(hours=1), "created_at")


# --- second factor -------------------------------------------------------------------------------


def test_passkey_completes_a_sign_in(key: Authenticator) -> None:
    protect(key)
    step = first_step()
    assert step.extensions["methods"] == ["PASSKEY", "RECOVERY_CODE"]
    challenge = step.extensions["challenge"]
    granted = second_step(challenge, passkey=key.get(request_options(challenge))).data["secondFactorAuth"]
    assert (granted["claims"]["acr"], granted["claims"]["amr"]) == ("aal2", ["pwd", "hwk", "user", "mfa"])
    assert second_step(challenge, passkey=key.get(request_options(challenge))).code == "TOKEN_INVALID"


def test_passkey_alone_signs_in_with_two_factor_authentication_on(key: Authenticator) -> None:
    protect(key)
    assert sign_in_with_passkey(key.get(request_options())).data


def test_adding_a_passkey_does_not_turn_on_two_factor_authentication(alice: Member, key: Authenticator) -> None:
    assert Api().sign_in("alice").data
    assert User.objects.get().two_factor_since is None
    assert key


@pytest.mark.parametrize("purpose", ["sign in", "reauthenticate", "other sign-in", "register"])
def test_s137_challenge_of_another_purpose_or_sign_in_is_refused(
    alice: Member, key: Authenticator, purpose: str
) -> None:
    options = creation_options(alice)
    protect(key)
    token = sign_in_with_passkey(key.get(request_options())).data["passkeyAuth"]["token"]
    challenge = first_step().extensions["challenge"]
    other = {
        "sign in": lambda: request_options(),
        "reauthenticate": lambda: request_options(token=token),
        "other sign-in": lambda: request_options(first_step().extensions["challenge"]),
        "register": lambda: request_options() | {"challenge": options["challenge"]},
    }[purpose]()
    assert second_step(challenge, passkey=key.get(other)).code == "TOKEN_INVALID"


def test_challenge_of_a_second_factor_serves_nothing_else(key: Authenticator) -> None:
    protect(key)
    token = sign_in_with_passkey(key.get(request_options())).data["passkeyAuth"]["token"]
    challenge = first_step().extensions["challenge"]
    assert sign_in_with_passkey(key.get(request_options(challenge))).code == "TOKEN_INVALID"
    answer = Api()(REAUTHENTICATE, {"passkey": key.get(request_options(challenge))}, token=token)
    assert answer.code == "TOKEN_INVALID"


def test_s135_passkey_of_another_user_is_no_second_factor(key: Authenticator) -> None:
    protect(key)
    foreign = add_passkey(new_verified_member("bob"))
    challenge = first_step().extensions["challenge"]
    assert second_step(challenge, passkey=foreign.get(request_options(challenge))).code == "INVALID_CREDENTIALS"
    assert Event.objects.filter(kind="second_factor.refused", user__username="alice").exists()


def test_s133_user_verification_is_required_for_the_second_factor(key: Authenticator) -> None:
    protect(key)
    key.flags = PRESENT
    challenge = first_step().extensions["challenge"]
    assert second_step(challenge, passkey=key.get(request_options(challenge))).code == "INVALID_CREDENTIALS"


def test_s144_refused_passkeys_do_not_lock_the_codes(key: Authenticator) -> None:
    codes = protect(key)
    thief = Authenticator(id=key.id, user_handle=key.user_handle)
    challenge = first_step().extensions["challenge"]
    for _ in range(30):
        assert second_step(challenge, passkey=thief.get(request_options(challenge))).code == "INVALID_CREDENTIALS"
    assert second_step(challenge, code=codes[0]).data
    assert len([mail for mail in mails_to(ADDRESS) if mail.subject == "Someone may know your password"]) == 1


@pytest.mark.parametrize("factor", [{}, {"code": "123456", "passkey": {}}])
def test_second_step_takes_exactly_one_factor(key: Authenticator, factor: dict[str, Any]) -> None:
    protect(key)
    assert second_step(first_step().extensions["challenge"], **factor).code == "BAD_USER_INPUT"


def test_new_passkey_invalidates_a_sign_in_that_has_begun(key: Authenticator) -> None:
    protect(key)
    challenge = first_step().extensions["challenge"]
    token = sign_in_with_passkey(key.get(request_options())).data["passkeyAuth"]["token"]
    options = Api()(CREATION_OPTIONS, token=token).data["passkeyRegistrationOptions"]["options"]
    other = Authenticator()
    assert Api()(REGISTER, {"passkey": other.create(options)}, token=token).data
    assert second_step(challenge, passkey=key.get(request_options(challenge))).code == "TOKEN_INVALID"


@pytest.mark.django_db(transaction=True)
def test_one_second_factor_used_at_once_opens_one_session(run_concurrently: Callable[[list[Any]], list[Any]]) -> None:
    key = add_passkey(new_verified_member())
    protect(key)
    challenge = first_step().extensions["challenge"]
    assertion, before = key.get(request_options(challenge)), Session.objects.count()
    answers = run_concurrently([lambda: second_step(challenge, passkey=assertion)] * 4)
    assert sum("errors" not in answer.json for answer in answers) == 1
    assert Session.objects.count() == before + 1


@pytest.mark.parametrize("challenge", ["", "x", "é", "a" * 9_000])
def test_options_for_an_unknown_challenge_are_refused(api: Api, challenge: str) -> None:
    document = "mutation ($c: String) { passkeyAssertionOptions(challenge: $c) { options } }"
    assert api(document, {"c": challenge}).code == "TOKEN_INVALID"


def test_options_of_every_kind_cost_no_statement(key: Authenticator, statements: Callable[[], Any]) -> None:
    protect(key)
    token = sign_in_with_passkey(key.get(request_options())).data["passkeyAuth"]["token"]
    challenge = first_step().extensions["challenge"]
    with statements() as seen:
        request_options(challenge)
        request_options(token=token)
    assert seen == []


# --- reauthentication ----------------------------------------------------------------------------


def test_passkey_reauthenticates(alice: Member, key: Authenticator) -> None:
    outdate()
    assert alice(CREATION_OPTIONS).code == "REAUTHENTICATION_REQUIRED"
    answer = alice(REAUTHENTICATE, passkey=key.get(request_options(token=alice.token)))
    again = answer.data["reauthenticate"]
    assert (again["claims"]["acr"], again["claims"]["sid"]) == ("aal2", alice.claims["sid"])
    assert alice(CREATION_OPTIONS).data
    assert Event.objects.filter(kind="session.reauthenticated").count() == 1


def test_s137_challenge_of_another_session_or_user_does_not_reauthenticate(alice: Member, key: Authenticator) -> None:
    other, bob = Api().sign_in_member(), new_verified_member("bob")
    for options in (request_options(token=other.token), request_options(token=bob.token), request_options()):
        assert alice(REAUTHENTICATE, passkey=key.get(options)).code == "TOKEN_INVALID"


def test_passkey_of_another_user_does_not_reauthenticate(alice: Member, key: Authenticator) -> None:
    foreign = add_passkey(new_verified_member("bob"))
    answer = alice(REAUTHENTICATE, passkey=foreign.get(request_options(token=alice.token)))
    assert answer.code == "INVALID_CREDENTIALS"
    assert key


def test_s133_user_verification_is_required_to_reauthenticate(alice: Member, key: Authenticator) -> None:
    key.flags = PRESENT
    assert alice(REAUTHENTICATE, passkey=key.get(request_options(token=alice.token))).code == "INVALID_CREDENTIALS"


def test_reauthentication_takes_exactly_one_proof(alice: Member, key: Authenticator) -> None:
    passkey = key.get(request_options(token=alice.token))
    assert alice(REAUTHENTICATE, passkey=passkey, password=PASSWORD).code == "BAD_USER_INPUT"
    assert alice(REAUTHENTICATE).code == "BAD_USER_INPUT"


def test_refused_passkeys_do_not_use_up_the_reauthentications(alice: Member, key: Authenticator) -> None:
    thief = Authenticator(id=key.id, user_handle=key.user_handle)
    for _ in range(15):
        alice(REAUTHENTICATE, passkey=thief.get(request_options(token=alice.token)))
    assert alice(REAUTHENTICATE, password=PASSWORD).data


# --- changes -------------------------------------------------------------------------------------


def test_s145_passkey_added_or_removed_requires_a_recent_authentication(alice: Member, key: Authenticator) -> None:
    options = creation_options(alice)
    outdate()
    id = str(Passkey.objects.get().id)
    answer = alice(REMOVE, id=id)
    assert (answer.code, answer.extensions["methods"]) == ("REAUTHENTICATION_REQUIRED", ["PASSWORD", "PASSKEY"])
    assert alice(CREATION_OPTIONS).code == "REAUTHENTICATION_REQUIRED"
    # The challenge shows that the authentication was recent.
    assert alice(REGISTER, passkey=Authenticator().create(options)).data
    assert key


def test_security_lists_the_passkeys(alice: Member, key: Authenticator) -> None:
    register_passkey(alice, Authenticator(), name="second")
    shown = alice(SECURITY).data["me"]["security"]
    assert [each["name"] for each in shown["passkeys"]] == ["Passkey", "second"]
    assert shown["reauthenticationMethods"] == ["PASSWORD", "PASSKEY"]
    assert not shown["twoFactorEnabled"]
    assert key


def test_two_factor_authentication_needs_a_factor(alice: Member) -> None:
    assert alice(SET, on=True).code == "TWO_FACTOR_SETUP_REQUIRED"


def test_turning_it_on_requires_the_use_of_the_passkey(alice: Member, key: Authenticator) -> None:
    answer = alice(SET, on=True)
    assert (answer.code, answer.extensions["methods"]) == ("REAUTHENTICATION_REQUIRED", ["PASSKEY"])
    assert alice(REAUTHENTICATE, passkey=key.get(request_options(token=alice.token))).data
    assert len(alice(SET, on=True).data["setTwoFactor"]["recoveryCodes"]) == 10


def test_removing_the_last_factor_turns_two_factor_authentication_off(key: Authenticator) -> None:
    protect(key)
    token = sign_in_with_passkey(key.get(request_options())).data["passkeyAuth"]["token"]
    assert Api()(REMOVE, {"id": str(Passkey.objects.get().id)}, token=token).data
    user = User.objects.get()
    assert (user.two_factor_since, user.recovery_codes.count()) == (None, 0)
    assert Api().sign_in("alice").data


def test_removing_one_of_two_passkeys_leaves_two_factor_authentication_on(alice: Member, key: Authenticator) -> None:
    add_passkey(alice)
    protect(key)
    token = sign_in_with_passkey(key.get(request_options())).data["passkeyAuth"]["token"]
    assert Api()(REMOVE, {"id": str(Passkey.objects.order_by("created_at").last().id)}, token=token).data
    assert User.objects.get().two_factor_since


def test_s145_last_passkey_of_an_account_without_a_password_stays(key: Authenticator) -> None:
    user = User.objects.get()
    user.set_unusable_password()
    user.save()
    token = sign_in_with_passkey(key.get(request_options())).data["passkeyAuth"]["token"]
    assert Api()(REMOVE, {"id": str(Passkey.objects.get().id)}, token=token).code == "LAST_SIGN_IN_METHOD"
    assert Passkey.objects.exists()


def test_passkeys_of_another_rp_id_are_no_factor(alice: Member, key: Authenticator, settings: Any) -> None:
    settings.GATEWAY_PASSKEY_RP_ID = "example.com"
    assert alice(SECURITY).data["me"]["security"]["reauthenticationMethods"] == ["PASSWORD"]
    assert alice(SET, on=True).code == "TWO_FACTOR_SETUP_REQUIRED"
    assert key


def test_sign_in_options_show_whether_passkeys_are_offered(api: Api, settings: Any) -> None:
    document = "{ signInOptions { passkeysEnabled } }"
    assert api(document).data["signInOptions"]["passkeysEnabled"]
    settings.GATEWAY_PASSKEY_RP_ID = ""
    assert not api(document).data["signInOptions"]["passkeysEnabled"]


def test_unverified_email_does_not_sign_in_where_it_is_required(key: Authenticator, settings: Any) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "required"
    User.objects.update(is_email_verified=False)
    assert sign_in_with_passkey(key.get(request_options())).code == "EMAIL_NOT_VERIFIED"


def test_export_lists_the_passkeys(alice: Member, key: Authenticator) -> None:
    (shown,) = alice("{ accountExport }").data["accountExport"]["passkeys"]
    assert shown["name"] == "Passkey"
    assert shown["rpId"] == "localhost"
    assert "publicKey" not in shown
    assert key
