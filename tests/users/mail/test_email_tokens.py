"""Proofs: one purpose, one use, one account as it was; by link or by code."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from tests.api import NEW_PASSWORD, Answer, Api, backdate
from tests.mail_flows import (
    ADDRESS,
    OTHER,
    change_email,
    delete_account,
    request_email_change,
    request_mail,
    reset_password,
    undo_email_change,
    verified_member,
    verify_email,
)
from tests.mailbox import deliver, last_mail_to, mails_to
from users.caller import Caller
from users.errors import TokenInvalid
from users.mail import email_tokens
from users.mail.email_tokens import Purpose
from users.models import Attempts, EmailToken, Event, User

RACES = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
GARBAGE = {
    "empty": "",
    "nul": "\x00" * 43,
    "unknown": "A" * 43,
    "long": "A" * 90_000,
    "sql": "' OR 1=1 --",
    "wide": "\uff21" * 43,
    "a code without its address": "BCDF-GHJK",
}


def mailed(purpose: str) -> Any:
    """The newest mail with a proof of a purpose, for alice."""
    if purpose == "verify":
        Api().new_member("alice")
    else:
        verified_member("alice")
        request_mail("reset")
    return last_mail_to(ADDRESS)


def spend(purpose: str, token: str, email: str | None = None) -> Answer:
    return verify_email(token, email) if purpose == "verify" else reset_password(token, email=email)


BOTH = pytest.mark.parametrize("purpose", ["verify", "reset"])
SPELT = {
    "as it was mailed": str,
    "in lower case": str.lower,
    "without the dash": lambda code: code.replace("-", ""),
    "with spaces": lambda code: " " + " ".join(code.replace("-", "")) + " ",
}


@BOTH
def test_s84_s87_a_link_works_once(db: None, purpose: str) -> None:
    token = mailed(purpose).token
    assert "errors" not in spend(purpose, token).json
    assert spend(purpose, token).code == "TOKEN_INVALID"
    assert not EmailToken.objects.exists()


@BOTH
@pytest.mark.parametrize("spelling", SPELT)
@pytest.mark.parametrize("address", [ADDRESS, "ALICE@example.COM", "\uff41lice@example.com"])
def test_a_code_works_with_its_address_however_it_is_typed(db: None, purpose: str, spelling: str, address: str) -> None:
    code = SPELT[spelling](mailed(purpose).code)
    assert "errors" not in spend(purpose, code, address).json
    assert spend(purpose, code, address).code == "TOKEN_INVALID"


@BOTH
@pytest.mark.parametrize(("first", "second"), [("token", "code"), ("code", "token")])
def test_s84_the_code_is_dead_with_the_link_and_the_link_with_the_code(
    db: None, purpose: str, first: str, second: str
) -> None:
    mail = mailed(purpose)

    def by(what: str) -> Answer:
        return spend(purpose, getattr(mail, what), ADDRESS if what == "code" else None)

    assert "errors" not in by(first).json
    assert by(second).code == "TOKEN_INVALID"


@BOTH
@pytest.mark.parametrize("address", ["bob@example.com", "nobody@example.com", "", "rubbish", "alice@example.org"])
def test_a_code_is_nothing_with_another_address(db: None, purpose: str, address: str) -> None:
    mail = mailed(purpose)
    Api().new_member("bob")
    assert spend(purpose, mail.code, address).code == "TOKEN_INVALID"
    assert spend(purpose, mail.token, ADDRESS).code == "TOKEN_INVALID", "a link's token is no code"
    assert spend(purpose, mail.code).code == "TOKEN_INVALID", "nor a code a token"
    assert "errors" not in spend(purpose, mail.token).json


@pytest.mark.parametrize("how", ["token", "code"])
def test_s42_s87_a_proof_of_one_purpose_is_nothing_to_another(db: None, how: str) -> None:
    alice = Api().new_member("alice")
    verifying = last_mail_to(ADDRESS)
    request_mail("reset")
    resetting, email = last_mail_to(ADDRESS), ADDRESS if how == "code" else None
    assert reset_password(getattr(verifying, how), email=email).code == "TOKEN_INVALID"
    assert verify_email(getattr(resetting, how), email).code == "TOKEN_INVALID"
    for mail in (verifying, resetting):
        assert undo_email_change(mail.token).code == undo_email_change(mail.code).code == "TOKEN_INVALID"
        assert Api().me(mail.token).code == "UNAUTHENTICATED"
        assert Api().refresh(mail.token).code == "TOKEN_INVALID"
    assert verify_email(alice.token).code == reset_password(alice.refresh_token).code == "TOKEN_INVALID"
    assert "errors" not in verify_email(verifying.token).json
    assert "errors" not in reset_password(resetting.token).json


def test_an_undoing_is_nothing_to_the_others_and_has_no_code(db: None) -> None:
    change_email(verified_member())
    token = last_mail_to(ADDRESS).token
    assert verify_email(token).code == reset_password(token).code == "TOKEN_INVALID"
    for code in ("", "None"):
        assert verify_email(code, ADDRESS).code == reset_password(code, email=ADDRESS).code == "TOKEN_INVALID"
    assert "errors" not in undo_email_change(token).json


@BOTH
def test_s84_only_the_newest_works(db: None, purpose: str) -> None:
    old = mailed(purpose)
    request_mail(purpose)
    new = last_mail_to(ADDRESS)
    assert old.token != new.token
    assert spend(purpose, old.token).code == "TOKEN_INVALID"
    assert spend(purpose, old.code, ADDRESS).code == "TOKEN_INVALID"
    assert "errors" not in spend(purpose, new.code, ADDRESS).json


@BOTH
@pytest.mark.parametrize("how", ["token", "code"])
def test_s84_expired_token_has_its_own_error(db: None, settings: Any, purpose: str, how: str) -> None:
    mail, email = mailed(purpose), ADDRESS if how == "code" else None
    life = {"verify": settings.GATEWAY_VERIFY_LIFETIME, "reset": settings.GATEWAY_RESET_LIFETIME}[purpose]
    backdate(EmailToken.objects, life - timedelta(seconds=30), "created_at", "expires_at")
    assert email_tokens.find(Caller(), Purpose(purpose), token=getattr(mail, how), email=email)
    backdate(EmailToken.objects, timedelta(seconds=31), "created_at", "expires_at")
    assert spend(purpose, getattr(mail, how), email).code == "TOKEN_EXPIRED"
    assert spend(purpose, "BCDFGHJK", ADDRESS).code == "TOKEN_INVALID", "only who has it is told that it was one"


def test_s84_a_reset_lives_half_an_hour_at_most(settings: Any) -> None:
    assert timedelta(minutes=30) >= settings.GATEWAY_RESET_LIFETIME
    assert email_tokens.lifetime(Purpose.UNDO) == timedelta(days=7)


@pytest.mark.parametrize("how", ["token", "code"])
@pytest.mark.parametrize("event", ["password", "reset", "address", "disabled", "closed", "erased"])
@BOTH
def test_s84_a_proof_dies_with_the_account_as_it_was(db: None, purpose: str, event: str, how: str) -> None:
    mail, alice = mailed(purpose), Api().sign_in_member("alice")
    if event == "password":
        assert "errors" not in Api().change_password(alice.token).json
    if event == "reset":
        kept = EmailToken.objects.values().get() if purpose == "reset" else None
        request_mail("reset")
        assert "errors" not in reset_password(last_mail_to(ADDRESS).token).json
        if kept:
            EmailToken.objects.create(**{name: value for name, value in kept.items() if name != "address_key"})
    if event == "address":
        User.objects.update(email=OTHER)
    if event == "disabled":
        User.objects.update(is_active=False)
    if event == "closed":
        assert "errors" not in delete_account(alice).json
    if event == "erased":
        User.objects.all().delete()
    answer = spend(purpose, getattr(mail, how), ADDRESS if how == "code" else None)
    assert answer.code == "TOKEN_INVALID"


@BOTH
def test_a_server_s_new_secret_keeps_codes_as_long_as_the_old_one_is_known(
    db: None, settings: Any, purpose: str
) -> None:
    mail = mailed(purpose)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another secret, long enough for anything that is derived from it"
    assert spend(purpose, mail.code, ADDRESS).code == "TOKEN_INVALID"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert "errors" not in spend(purpose, mail.code, ADDRESS).json


@BOTH
def test_settings_that_change_meanwhile_change_no_proof(db: None, settings: Any, purpose: str) -> None:
    mail = mailed(purpose)
    settings.GATEWAY_VERIFY_LIFETIME = settings.GATEWAY_RESET_LIFETIME = timedelta(seconds=1)
    settings.GATEWAY_EMAIL_VERIFICATION = "off"
    backdate(EmailToken.objects, timedelta(minutes=1), "created_at", "expires_at")
    assert "errors" not in spend(purpose, mail.token).json


@BOTH
@pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("email", [None, ADDRESS, "nobody@example.com", "\x00@", "a" * 9_000], ids=ascii)
def test_s17_rubbish_has_one_clean_answer(db: None, purpose: str, token: str, email: str | None) -> None:
    mailed(purpose)
    answer = spend(purpose, token, email)
    assert (answer.status, answer.code) == (200, "TOKEN_INVALID")
    assert EmailToken.objects.count() == 1


@pytest.mark.django_db
def test_s17_a_token_that_no_database_could_hold_finds_nothing() -> None:
    with pytest.raises(TokenInvalid):
        email_tokens.find(Caller(), Purpose.VERIFY, token="\ud800")


@pytest.mark.parametrize("argument", ["token", "email"])
def test_s17_half_a_character_is_no_text(api: Api, argument: str) -> None:
    given = {"token": "A", "email": ADDRESS} | {argument: "\\ud800"}
    document = f'mutation {{ verifyEmail(token: "{given["token"]}", email: "{given["email"]}") {{ __typename }} }}'
    assert api(document).code == "GRAPHQL_PARSE_FAILED"


# --- guessing ------------------------------------------------------------------------------------


@BOTH
def test_code_guesses_are_throttled_for_known_and_unknown_emails(
    db: None, statements: Callable[[], Any], purpose: str
) -> None:
    mailed(purpose)
    seen: dict[str, Any] = {}
    for address in (ADDRESS, "nobody@example.com"):
        story = []
        for _ in range(7):
            with statements() as counted:
                answer = spend(purpose, "BCDF-GHJK", address)
            story.append((answer.code, re.sub(r"\d+", "N", answer.error["message"]), len(counted)))
        seen[address] = story
    assert [code for code, *_ in seen[ADDRESS]] == ["TOKEN_INVALID"] * 5 + ["RATE_LIMITED"] * 2
    assert seen[ADDRESS] == seen["nobody@example.com"]


@BOTH
def test_with_the_lane_of_codes_full_the_link_still_works(db: None, purpose: str) -> None:
    mail = mailed(purpose)
    for spelling in ("alice@example.com", "ALICE@example.com", "\uff41lice@example.com", ADDRESS, ADDRESS):
        assert spend(purpose, "BCDF-GHJK", spelling).code == "TOKEN_INVALID"
    refused = spend(purpose, mail.code, ADDRESS)
    assert (refused.code, refused.extensions["retryAfter"] <= 600) == ("RATE_LIMITED", True)
    assert "errors" not in spend(purpose, mail.token).json


def test_one_place_guesses_at_codes_of_many_addresses_no_more_than_thirty_times_an_hour(api: Api) -> None:
    codes = [verify_email("BCDF-GHJK", f"user{number}@example.com").code for number in range(32)]
    assert codes == ["TOKEN_INVALID"] * 30 + ["RATE_LIMITED"] * 2
    assert verify_email("A" * 43).code == "TOKEN_INVALID", "a token is nothing that one guesses"


def test_right_code_with_a_refused_password_is_no_guess(db: None) -> None:
    code = mailed("reset").code
    for _ in range(8):
        assert reset_password(code, "1234567", ADDRESS).code == "BAD_USER_INPUT"
    assert not Attempts.objects.filter(key__startswith="code_", tried__gt=0).exists()
    assert "errors" not in reset_password(code, NEW_PASSWORD, ADDRESS).json


def test_several_who_mean_to_have_one_address_each_have_a_code(api: Api) -> None:
    members = [verified_member(name) for name in ("alice", "bob", "carol")]
    for member in members:
        assert "errors" not in request_email_change(member, OTHER).json
    codes = [mail.code for mail in mails_to(OTHER)]
    assert len(codes) == 3
    assert "errors" not in verify_email(codes[0], OTHER).json
    assert User.objects.get(email=OTHER).username == "alice"
    answer = verify_email(codes[1], OTHER)
    assert (answer.code, answer.error["message"]) == ("CONFLICT", "Another account uses this email.")


# --- at once -------------------------------------------------------------------------------------


@RACES
@BOTH
@pytest.mark.parametrize("how", ["token", "code"])
def test_s84_of_eight_who_use_a_proof_at_once_one_succeeds(
    run_concurrently: Callable[..., list[Answer]], long_queue: None, settings: Any, purpose: str, how: str
) -> None:
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"code_address": [(20, HOUR)]}
    mail, email = mailed(purpose), ADDRESS if how == "code" else None
    answers = run_concurrently([lambda: spend(purpose, getattr(mail, how), email)] * 8)
    codes = [answer.code for answer in answers if "errors" in answer.json]
    assert codes == ["TOKEN_INVALID"] * 7
    kind = {"verify": "email.verified", "reset": "password.reset"}[purpose]
    assert Event.objects.filter(kind=kind).count() == 1


@RACES
def test_of_eight_made_at_once_one_stays(run_concurrently: Callable[..., list[Any]]) -> None:
    Api().new_member("alice")
    user = User.objects.get()
    secrets = run_concurrently([lambda: email_tokens.create(user, Purpose.RESET, address=ADDRESS)] * 8)
    assert EmailToken.objects.filter(purpose="reset").count() == 1
    found = [
        each for each in secrets if EmailToken.objects.filter(digest=email_tokens.crypto.digest(each.token)).exists()
    ]
    assert len(found) == 1


# --- what is kept --------------------------------------------------------------------------------


def test_s84_nothing_in_the_database_opens_anything(db: None) -> None:
    change_email(verified_member())
    request_mail("reset", OTHER)
    request_mail("verify", OTHER)
    deliver()
    letters = [*mails_to(ADDRESS), *mails_to(OTHER)]
    secrets = {mail.token for mail in letters if "token=" in mail.text}
    secrets |= {mail.code for mail in letters if "Or enter" in mail.text}
    secrets |= {code.replace("-", "") for code in secrets if len(code) == 9}
    kept = str([list(model.objects.values()) for model in (EmailToken, Event, DBTaskResult)])
    assert len(secrets) >= 5
    assert OTHER in kept
    assert not [secret for secret in secrets if secret in kept]


def test_old_proofs_are_pruned_a_day_after_they_are_over(db: None) -> None:
    mailed("reset")
    backdate(EmailToken.objects, timedelta(hours=24), "expires_at")
    assert email_tokens.prune() == 0
    backdate(EmailToken.objects, HOUR, "expires_at")
    assert email_tokens.prune() == 1


def test_holds_of_a_user_stand_in_the_order_they_were_made_whatever_a_clock_says(db: None) -> None:
    Api().new_member("alice")
    user = User.objects.get()
    email_tokens.hold_email(user, address=ADDRESS)
    backdate(EmailToken.objects, -timedelta(minutes=5), "created_at")
    email_tokens.hold_email(user, address=OTHER)
    first, second = EmailToken.objects.filter(purpose="undo").order_by("created_at")
    assert (first.address, second.address) == (ADDRESS, OTHER)
    email_tokens.revoke(user, since=first)
    assert not EmailToken.objects.filter(purpose="undo").exists()


def test_a_holder_is_known_until_the_hold_is_over(db: None) -> None:
    Api().new_member("alice")
    user = User.objects.get()
    assert email_tokens.find_holder(ADDRESS) is None
    held = email_tokens.hold_email(user, address=ADDRESS)
    assert email_tokens.find_holder("ALICE@example.com") == user
    assert email_tokens.create_undo_secret(str(held))
    EmailToken.objects.update(expires_at=timezone.now())
    assert email_tokens.find_holder(ADDRESS) is None
    assert email_tokens.create_undo_secret(str(held)) is None
