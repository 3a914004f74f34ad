"""The second step of a sign-in."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.api import PASSWORD, Answer, Api, Member, backdate
from tests.mailbox import mails_to
from tests.passkeys import new_verified_member
from tests.second_factors import (
    BEGIN,
    CONFIRM,
    REGENERATE,
    SET,
    AuthenticatorApp,
    enable_totp,
    request_challenge,
    second_step,
    sign_in_with_totp,
)
from users.crypto import totp as crypto
from users.models import Event, RecoveryCode, Session, Totp, User

pytestmark = pytest.mark.django_db
ADDRESS = "alice@example.com"


@pytest.fixture
def app() -> AuthenticatorApp:
    return enable_totp(new_verified_member("alice"))


def test_the_first_step_opens_no_session_and_leaves_no_trace_of_a_sign_in(app: AuthenticatorApp) -> None:
    before = list(User.objects.values("last_login", "erases_at")), Session.objects.count()
    answer = Api().sign_in("alice")
    assert answer.code == "SECOND_FACTOR_REQUIRED"
    assert answer.json["data"] == {"tokenAuth": None}
    assert answer.extensions.keys() == {"code", "challenge", "methods", "expiresIn"}
    assert (answer.extensions["methods"], answer.extensions["expiresIn"]) == (["TOTP", "RECOVERY_CODE"], 600)
    assert (list(User.objects.values("last_login", "erases_at")), Session.objects.count()) == before
    assert Event.objects.filter(kind="second_factor.requested").exists()
    assert not Event.objects.filter(kind="session.opened").exists()


def test_the_first_step_does_not_reopen_a_closed_account_and_the_second_does(app: AuthenticatorApp) -> None:
    User.objects.update(erases_at=timezone.now() + timedelta(days=1))
    begun = request_challenge()
    assert User.objects.get().erases_at
    assert second_step(begun, app.fresh_code()).data
    assert User.objects.get().erases_at is None


def test_a_code_of_the_app_completes_the_sign_in(app: AuthenticatorApp) -> None:
    answer = second_step(request_challenge(), app.fresh_code())
    grant = answer.data["secondFactorAuth"]
    assert Api().me(grant["token"]).data["me"]["username"] == "alice"
    session = Session.objects.get(id=grant["claims"]["sid"])
    assert session.methods == "password totp"
    claims = Api().refresh(grant["refreshToken"]).data["refreshToken"]["claims"]
    assert claims["sid"] == grant["claims"]["sid"]


def test_the_second_step_keeps_the_device_name_of_the_first(app: AuthenticatorApp) -> None:
    answer = Api()(
        'mutation { tokenAuth(username: "alice", password: "' + PASSWORD + '", deviceName: "Phone") { token } }'
    )
    assert second_step(answer.extensions["challenge"], app.fresh_code()).data
    assert Session.objects.filter(device_name="Phone", methods="password totp").count() == 1


def test_a_recovery_code_completes_the_sign_in_once_and_sends_a_mail(app: AuthenticatorApp) -> None:
    code = app.recovery_codes[0]
    spellings = [code.lower(), code.replace("-", ""), f" {code} ", code.replace("-", " - ")]
    assert second_step(request_challenge(), code).data
    assert RecoveryCode.objects.count() == 9
    assert any("9 codes are left" in mail.text for mail in mails_to(ADDRESS))
    for spelling in [code, *spellings]:
        assert second_step(request_challenge(), spelling).code in {"INVALID_CREDENTIALS", "RATE_LIMITED"}
    assert RecoveryCode.objects.count() == 9
    assert code not in str(list(Event.objects.values()))


@pytest.mark.parametrize("spell", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} "])
def test_a_recovery_code_may_be_typed_in_another_spelling(app: AuthenticatorApp, spell: Callable[[str], str]) -> None:
    assert second_step(request_challenge(), spell(app.recovery_codes[3])).data


def test_spaces_and_dashes_in_a_code_are_ignored(app: AuthenticatorApp) -> None:
    code = app.fresh_code()
    assert second_step(request_challenge(), f" {code[:3]}-{code[3:]} ").data


def test_the_code_of_the_setup_does_not_sign_in(app: AuthenticatorApp) -> None:
    step = Totp.objects.get().last_step
    assert second_step(request_challenge(), crypto.code(app.secret, step)).code == "INVALID_CREDENTIALS"
    assert Session.objects.count() == 1


def test_a_code_after_a_later_one_is_refused(app: AuthenticatorApp) -> None:
    Totp.objects.update(last_step=0)
    later, earlier = app.code(1), app.code(0)
    assert second_step(request_challenge(), later).data
    assert second_step(request_challenge(), earlier).code == "INVALID_CREDENTIALS"
    assert second_step(request_challenge(), later).code == "INVALID_CREDENTIALS"


def test_codes_far_from_now_are_refused(app: AuthenticatorApp) -> None:
    Totp.objects.update(last_step=0)
    for step in (-3, 3):
        assert second_step(request_challenge(), app.code(step)).code == "INVALID_CREDENTIALS"


FULL_WIDTH = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))
ARABIC = str.maketrans("0123456789", "".join(chr(0x0660 + digit) for digit in range(10)))


@pytest.mark.parametrize(
    "spell",
    [
        lambda code: code.translate(FULL_WIDTH),
        lambda code: code.translate(ARABIC),
        lambda code: f"{code}\n",
        lambda code: f"+{code}",
        lambda code: f"0{code}",
        lambda code: "",
        lambda code: " ",
        lambda code: "\x00" * 6,
        lambda code: "-" * 1_000,
        lambda code: f"\u200b{code}",
        lambda code: "\u00bd" * 6,
    ],
)
def test_anything_but_six_ascii_digits_is_a_wrong_code(app: AuthenticatorApp, spell: Callable[[str], str]) -> None:
    assert second_step(request_challenge(), spell(app.fresh_code())).code == "INVALID_CREDENTIALS"
    assert Totp.objects.get().last_step == 0


def test_recovery_codes_with_look_alike_letters_of_other_scripts_are_refused(app: AuthenticatorApp) -> None:
    code = app.recovery_codes[0]
    # Cyrillic letters that look like Latin ones.
    look_alikes = str.maketrans("BCHKMPTXY", "\u0412\u0421\u041d\u041a\u041c\u0420\u0422\u0425\u0423")
    assert second_step(request_challenge(), code.translate(look_alikes) + "\u200b").code == "INVALID_CREDENTIALS"
    assert RecoveryCode.objects.count() == 10


def test_a_missing_code_is_a_field_error(app: AuthenticatorApp) -> None:
    assert second_step(request_challenge(), None).field_errors == {("code", "REQUIRED")}


# --- challenges ----------------------------------------------------------------------------------


def test_a_challenge_survives_wrong_codes_and_dies_by_use(app: AuthenticatorApp) -> None:
    begun = request_challenge()
    assert second_step(begun, "000000").code == "INVALID_CREDENTIALS"
    assert second_step(begun, app.fresh_code()).data
    assert second_step(begun, app.fresh_code()).code == "TOKEN_INVALID"
    assert second_step(begun, app.recovery_codes[0]).code == "TOKEN_INVALID"
    # The refused attempt has not used up the code.
    assert RecoveryCode.objects.count() == 10


def test_a_challenge_expires(app: AuthenticatorApp, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, now = request_challenge(), timezone.now()
    monkeypatch.setattr("users.sealed_tokens.timezone.now", lambda: now + timedelta(minutes=10, seconds=1))
    assert second_step(begun, app.fresh_code()).code == "TOKEN_EXPIRED"


def change_password(member: Member) -> Answer:
    return member.api.change_password(member.token)


def regenerate(member: Member) -> Answer:
    return member(REGENERATE)


def turn_off(member: Member) -> Answer:
    return member(SET, enabled=False)


def replace_app(member: Member) -> Answer:
    begun = member(BEGIN).data["beginTotpSetup"]
    return member(CONFIRM, setup=begun["setup"], code=AuthenticatorApp("", begun["secret"], []).code())


@pytest.mark.parametrize("change", [change_password, regenerate, turn_off, replace_app])
def test_a_change_of_the_password_or_the_factors_kills_challenges(
    app: AuthenticatorApp, change: Callable[[Member], Answer]
) -> None:
    begun, alice = request_challenge(), sign_in_with_totp(app)
    assert change(alice).data
    assert second_step(begun, app.fresh_code()).code == "TOKEN_INVALID"


def test_a_challenge_of_a_deactivated_user_is_dead(app: AuthenticatorApp) -> None:
    begun = request_challenge()
    User.objects.update(is_active=False)
    assert second_step(begun, app.fresh_code()).code == "TOKEN_INVALID"


def test_a_challenge_is_good_for_its_own_user_only(app: AuthenticatorApp) -> None:
    other = enable_totp(new_verified_member("bob"))
    begun = request_challenge("alice")
    assert second_step(begun, other.fresh_code()).code == "INVALID_CREDENTIALS"
    assert second_step(begun, other.recovery_codes[0]).code == "INVALID_CREDENTIALS"
    assert second_step(begun, app.fresh_code()).data["secondFactorAuth"]["user"]["username"] == "alice"


def test_challenges_and_other_tokens_are_not_interchangeable(app: AuthenticatorApp) -> None:
    alice = sign_in_with_totp(app)
    setup = alice(BEGIN).data["beginTotpSetup"]["setup"]
    sealed = Totp.objects.get().sealed
    for token in (setup, sealed, alice.token, alice.refresh_token, "", "x" * 5_000, "é"):
        assert second_step(token, app.fresh_code()).code == "TOKEN_INVALID"
    begun = request_challenge()
    assert alice(CONFIRM, setup=begun, code=app.fresh_code()).code == "TOKEN_INVALID"
    assert Api().me(begun).code == "UNAUTHENTICATED"
    assert Api().refresh(begun).code == "TOKEN_INVALID"


def test_a_former_secret_key_reads_challenges(app: AuthenticatorApp, settings: Any) -> None:
    begun = request_challenge()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [settings.SECRET_KEY]
    assert second_step(begun, app.fresh_code()).data


def test_a_lost_secret_key_makes_codes_unavailable_and_accepts_none(
    app: AuthenticatorApp, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SECRET_KEY = "another" * 10
    Totp.objects.update(last_step=0)
    answer = second_step(request_challenge(), app.code())
    assert answer.code == "SERVICE_UNAVAILABLE"
    assert "SECRET_KEY_FALLBACKS" in caplog.text
    assert Session.objects.filter(methods="password totp").count() == 1
    assert second_step(request_challenge(), app.recovery_codes[0]).data


def test_a_row_copied_to_another_user_opens_nothing(app: AuthenticatorApp) -> None:
    bob = enable_totp(new_verified_member("bob"))
    sealed = Totp.objects.get(user_id=bob.user).sealed
    Totp.objects.filter(user_id=app.user).update(sealed=sealed, last_step=0)
    RecoveryCode.objects.filter(user_id=bob.user).update(user_id=app.user)
    for code in (bob.code(), app.code(), bob.recovery_codes[0]):
        assert second_step(request_challenge("alice"), code).code in {"SERVICE_UNAVAILABLE", "INVALID_CREDENTIALS"}


# --- races ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_40_parallel_uses_of_one_code_open_one_session(
    app: AuthenticatorApp, run_concurrently: Any, settings: Any, long_queue: None
) -> None:
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"second_factor_here": [(100, timedelta(hours=1))]}
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"second_factor_elsewhere": [(100, timedelta(hours=1))]}
    challenges = [request_challenge() for _ in range(8)]
    code = app.fresh_code()
    answers = run_concurrently(
        [lambda index=index: second_step(challenges[index % 8], code).json for index in range(40)]
    )
    assert sum("errors" not in answer for answer in answers) == 1
    assert Session.objects.filter(ended_at=None, methods="password totp").count() == 2
    codes = {answer["errors"][0]["extensions"]["code"] for answer in answers if "errors" in answer}
    assert codes <= {"INVALID_CREDENTIALS", "TOKEN_INVALID"}


@pytest.mark.django_db(transaction=True)
def test_10_parallel_uses_of_one_recovery_code_open_one_session(
    app: AuthenticatorApp, run_concurrently: Any, settings: Any
) -> None:
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"second_factor_here": [(100, timedelta(hours=1))]}
    challenges = [request_challenge() for _ in range(5)]
    answers = run_concurrently(
        [lambda index=index: second_step(challenges[index % 5], app.recovery_codes[0]).json for index in range(10)]
    )
    assert sum("errors" not in answer for answer in answers) == 1
    assert (RecoveryCode.objects.count(), Session.objects.filter(ended_at=None).count()) == (9, 2)


@pytest.mark.django_db(transaction=True)
def test_one_challenge_with_ten_recovery_codes_opens_one_session(
    app: AuthenticatorApp, run_concurrently: Any, settings: Any
) -> None:
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"second_factor_here": [(100, timedelta(hours=1))]}
    begun = request_challenge()
    answers = run_concurrently([lambda code=code: second_step(begun, code).json for code in app.recovery_codes])
    assert sum("errors" not in answer for answer in answers) == 1
    assert RecoveryCode.objects.count() == 9


# --- limits --------------------------------------------------------------------------------------


def test_20_wrong_codes_over_fresh_challenges_and_addresses_are_limited(app: AuthenticatorApp, settings: Any) -> None:
    settings.GATEWAY_TRUSTED_PROXIES = 1
    Session.objects.update(ip_address="198.51.100.1")
    answers = []
    for number in range(20):
        place = {"X-Forwarded-For": f"203.0.113.{number}"}
        begun = Api().sign_in("alice", **place)
        if begun.code == "SECOND_FACTOR_REQUIRED":
            answers.append(second_step(begun.extensions["challenge"], "000000", **place).code)
        else:
            assert begun.code == "RATE_LIMITED"
    assert answers.count("INVALID_CREDENTIALS") <= 10
    # The owner, at a place that is known, is not locked out.
    home = {"X-Forwarded-For": "198.51.100.1"}
    begun = Api().sign_in("alice", **home)
    assert second_step(begun.extensions["challenge"], app.fresh_code(), **home).data


def test_fresh_challenges_give_no_new_tries_at_one_place(app: AuthenticatorApp) -> None:
    codes = [second_step(request_challenge(), "000000").code for _ in range(7)]
    assert codes == ["INVALID_CREDENTIALS"] * 5 + ["RATE_LIMITED"] * 2
    assert second_step(request_challenge(), app.fresh_code()).extensions["retryAfter"] > 200


def test_a_right_code_resets_the_limits_of_both_steps(app: AuthenticatorApp) -> None:
    for _ in range(3):
        for _ in range(4):
            assert second_step(request_challenge(), "000000").code == "INVALID_CREDENTIALS"
        assert second_step(request_challenge(), app.fresh_code()).data


def test_the_first_step_alone_stays_counted(app: AuthenticatorApp) -> None:
    codes = [Api().sign_in("alice").code for _ in range(11)]
    assert codes == ["SECOND_FACTOR_REQUIRED"] * 10 + ["RATE_LIMITED"]


def test_the_first_refused_code_of_a_day_sends_one_mail(app: AuthenticatorApp) -> None:
    for _ in range(3):
        second_step(request_challenge(), "000000")
    warnings = [mail for mail in mails_to(ADDRESS) if "may know your password" in mail.subject]
    assert len(warnings) == 1
    assert Event.objects.filter(kind="second_factor.refused").count() == 3


def test_the_second_step_mails_about_a_new_device(app: AuthenticatorApp) -> None:
    backdate(Session.objects.all(), timedelta(days=1), "created_at")
    Session.objects.update(ip_address="198.51.100.1")
    assert second_step(request_challenge(), app.fresh_code()).data
    assert "A new device signed in" in [mail.subject for mail in mails_to(ADDRESS)]
