"""Registering with the address of another person: it is owned by the first account that verifies it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api
from tests.mail_flows import (
    ADDRESS,
    OTHER,
    VERIFY,
    change_email,
    request_email_change,
    request_mail,
    reset_password,
    undo_email_change,
    verified_member,
    verify_email,
)
from tests.mailbox import deliver, last_mail_to, mails_to
from users import lookup
from users.accounts import deletion
from users.models import EmailToken, Event, Session, User

RACES = pytest.mark.django_db(transaction=True)
AGAIN = """mutation ($email: String!, $username: String) {
    requestEmailVerification(email: $email, username: $username) { accepted } }"""
STRANGER = "the password of a stranger"


def again(username: str | None = None, email: str = ADDRESS) -> Answer:
    return Api()(AGAIN, {"email": email, "username": username})


def tokens_for(username: str, address: str = ADDRESS) -> list[str]:
    """The tokens of all mails to an address that name an account."""
    found = []
    for mail in mails_to(address):
        for part in mail.text.split("Account: ")[1:]:
            if part.split()[0] == username:
                found.append(part.partition("token=")[2].split()[0])
    return found


@pytest.fixture
def required(settings: Any) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "required"


@pytest.fixture
def squatted(api: Api, required: None) -> Api:
    """A stranger registered the address of the owner, who then registered as well."""
    api.register("mallory", ADDRESS, STRANGER)
    api.register("alice", ADDRESS)
    return api


# --- the first to verify owns the address --------------------------------------------------------


@pytest.mark.parametrize("ask", ["the mail of the registration", "again by username", "again without a username"])
def test_s99_the_owner_verifies_the_account_that_the_owner_registered(squatted: Api, ask: str) -> None:
    if ask == "again by username":
        again("ALICE")
    if ask == "again without a username":
        again()
    token = tokens_for("alice")[-1]
    assert verify_email(token).data["verifyEmail"]["user"] == {
        "username": "alice",
        "email": ADDRESS,
        "isEmailVerified": True,
    }
    assert "errors" not in squatted.sign_in("alice").json
    assert squatted.sign_in(ADDRESS).data["tokenAuth"]["user"]["username"] == "alice"
    # The stranger's account has nothing of it any more.
    assert squatted.sign_in("mallory", STRANGER).code == "EMAIL_NOT_VERIFIED"
    assert squatted.sign_in(ADDRESS, STRANGER).code == "INVALID_CREDENTIALS"
    for spent in tokens_for("mallory"):
        assert verify_email(spent).code == "TOKEN_INVALID"
    again("mallory")
    request_mail("reset")
    assert last_mail_to(ADDRESS).subject == "Choose a new password"
    assert "errors" not in reset_password(last_mail_to(ADDRESS).token).json
    assert "errors" not in squatted.sign_in("alice", NEW_PASSWORD).json


@pytest.mark.parametrize("first", ["mallory", "alice"])
def test_s99_a_mail_names_the_account_that_it_is_about(squatted: Api, first: str) -> None:
    mails = mails_to(ADDRESS)
    assert ["mallory" in mail.text for mail in mails] == ["mallory" in mail.html for mail in mails] == [True, False]
    assert ["alice" in mail.text.replace(ADDRESS, "") for mail in mails] == [False, True]
    again(first)
    (mail,) = mails_to(ADDRESS)[2:]
    assert f"Account: {first}" in mail.text
    assert mail.text.count("token=") == 1
    again()
    mail = last_mail_to(ADDRESS)
    assert (mail.text.count("token="), mail.text.count("Account: ")) == (2, 2)
    assert mail.text.index("alice") < mail.text.index("mallory"), "the newest first"


def test_s99_codes_of_several_accounts_do_not_collide(squatted: Api) -> None:
    for number in range(8):
        squatted.register(f"mallory{number}", ADDRESS, STRANGER)
    code = mails_to(ADDRESS)[1].code
    assert verify_email(code, ADDRESS).data["verifyEmail"]["user"]["username"] == "alice"


def test_s99_another_username_gets_no_mail_of_the_address(squatted: Api) -> None:
    squatted.register("bob", OTHER)
    before = len(mails_to(ADDRESS))
    answers = [again(name) for name in ("bob", "nobody", "alice")]
    assert len({answer.response.content for answer in answers}) == 1
    assert len(mails_to(ADDRESS)) == before + 1
    assert len(mails_to(OTHER)) == 1
    assert again("al ice").field_errors == {("username", "INVALID")}


def test_s99_a_username_costs_the_same_statements_whether_or_not_it_is_right(
    squatted: Api, statements: Callable[[], Any]
) -> None:
    again("nobody")
    costs = []
    for name in ("alice", "nobody", "mallory"):
        with statements() as seen:
            again(name)
        costs.append([text.split()[0] for text in seen])
    assert costs[0] == costs[1] == costs[2]


def test_s99_verification_by_the_stranger_s_mail_is_of_the_account_that_it_names(squatted: Api) -> None:
    assert verify_email(tokens_for("mallory")[0]).data["verifyEmail"]["user"]["username"] == "mallory"
    assert verify_email(tokens_for("alice")[0]).code == "TOKEN_INVALID"
    request_mail("reset")
    assert "errors" not in reset_password(last_mail_to(ADDRESS).token).json
    assert squatted.sign_in("mallory", STRANGER).code == "INVALID_CREDENTIALS"
    assert squatted.sign_in(ADDRESS, NEW_PASSWORD).data["tokenAuth"]["user"]["username"] == "mallory"


@pytest.mark.parametrize("chosen", ["alice", "mallory"])
def test_s99_a_reset_of_an_unverified_address_lets_the_owner_choose_and_shuts_the_others_out(
    squatted: Api, chosen: str
) -> None:
    request_mail("reset")
    mail = last_mail_to(ADDRESS)
    assert (mail.subject, mail.text.count("token=")) == ("Choose a new password", 2)
    assert "errors" not in reset_password(tokens_for(chosen)[-1]).json
    assert squatted.sign_in(ADDRESS, NEW_PASSWORD).data["tokenAuth"]["user"]["username"] == chosen
    (other,) = {"alice", "mallory"} - {chosen}
    assert squatted.sign_in(other, STRANGER if other == "mallory" else PASSWORD).code == "EMAIL_NOT_VERIFIED"
    assert squatted.sign_in("mallory", STRANGER).code in {"EMAIL_NOT_VERIFIED", "INVALID_CREDENTIALS"}


def test_s99_accounts_that_lost_the_address_are_erased_in_time(squatted: Api) -> None:
    assert "errors" not in verify_email(tokens_for("alice")[0]).json
    User.objects.exclude(erases_at=None).update(erases_at="2000-01-01T00:00:00Z")
    assert deletion.prune() == 1
    assert User.objects.get().username == "alice"


def test_s99_a_link_goes_to_the_spelling_that_its_account_has(api: Api, required: None) -> None:
    api.register("alice", "alice@example.com")
    api.register("mallory", "ALICE@example.com", STRANGER)
    for spelling in ("alice@example.com", "ALICE@example.com", "Alice@example.com"):
        again(email=spelling)
        request_mail("reset", spelling)
    assert not tokens_for("alice", "ALICE@example.com")
    assert not tokens_for("mallory", "alice@example.com")


def test_s99_a_username_with_dots_makes_no_link_in_a_mail(api: Api, required: None) -> None:
    api.register("www.evil.example", ADDRESS)
    mail = last_mail_to(ADDRESS)
    assert "evil.example" not in mail.text + mail.html
    assert "www\u2060.\u2060evil" in mail.text


@RACES
def test_s99_of_several_that_verify_one_address_at_once_one_owns_it(
    run_concurrently: Callable[..., list[Answer]], long_queue: None, settings: Any
) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "required"
    names = [f"user{number}" for number in range(5)]
    for name in names:
        Api().register(name, ADDRESS)
    tokens = [tokens_for(name)[0] for name in names]
    answers = run_concurrently([lambda token=token: verify_email(token) for token in tokens])
    codes = [answer.code for answer in answers if "errors" in answer.json]
    assert len(codes) == 4
    assert set(codes) <= {"TOKEN_INVALID", "CONFLICT"}
    assert User.objects.filter(email=ADDRESS).count() == User.objects.filter(is_email_verified=True).count() == 1


# --- where accounts are used before they are verified --------------------------------------------


@pytest.mark.parametrize("mode", ["optional", "off"])
def test_s99_a_stranger_s_unverified_account_does_not_keep_the_owner_out(api: Api, settings: Any, mode: str) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = mode
    stranger = api.new_member("mallory", email=ADDRESS, password=STRANGER)
    assert api.register("alice", ADDRESS).field_errors == {("email", "TAKEN")}
    request_mail("reset")
    assert "errors" not in reset_password(last_mail_to(ADDRESS).token).json
    assert stranger("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.refresh(stranger.refresh_token).code == "TOKEN_INVALID"
    assert api.sign_in("mallory", STRANGER).code == "INVALID_CREDENTIALS"
    assert "errors" not in api.sign_in(ADDRESS, NEW_PASSWORD).json


def test_s99_a_changed_address_is_taken_from_a_stranger_who_never_verified_it(api: Api) -> None:
    stranger = api.new_member("mallory", email=OTHER, password=STRANGER)
    alice = verified_member()
    assert "errors" not in request_email_change(alice).json
    assert last_mail_to(OTHER).subject == "Verify your email"
    assert "errors" not in verify_email(last_mail_to(OTHER).token).json
    assert stranger("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.refresh(stranger.refresh_token).code == "TOKEN_INVALID"
    assert api.sign_in("mallory", STRANGER).code == "EMAIL_NOT_VERIFIED"
    assert api.sign_in(OTHER, STRANGER).code == "INVALID_CREDENTIALS"
    assert api.sign_in(OTHER).data["tokenAuth"]["user"]["username"] == "alice"


def test_s99_of_several_claims_sign_in_by_email_finds_the_verified_account_then_the_oldest(db: None) -> None:
    first, second = (User.objects.create_user(name, ADDRESS, PASSWORD) for name in ("first", "second"))
    User.objects.filter(id=first.id).update(date_joined=second.date_joined - timedelta(days=1))
    assert lookup.find_by_login(ADDRESS) == User.objects.get_by_natural_key(ADDRESS) == first
    User.objects.filter(id=second.id).update(is_email_verified=True)
    assert lookup.find_by_login(ADDRESS) == User.objects.get_by_natural_key(ADDRESS) == second


# --- undoing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["change", "reset"])
def test_s99_a_former_owner_cannot_take_back_an_address_that_another_verified(api: Api, how: str) -> None:
    change_email(verified_member("mallory", email=ADDRESS, password=STRANGER), password=STRANGER)
    undoing = last_mail_to(ADDRESS).token
    if how == "change":
        alice = verified_member("alice", email="alice@third.example")
        change_email(alice, ADDRESS)
        # Also once it is free again.
        change_email(alice, "alice@fourth.example")
    else:
        User.objects.create_user("alice", ADDRESS, PASSWORD)
        request_mail("reset")
        assert "errors" not in reset_password(last_mail_to(ADDRESS).token).json
        User.objects.filter(username="alice").delete()
    assert undo_email_change(undoing).code == "TOKEN_INVALID"
    assert User.objects.get(username="mallory").email == OTHER


def test_s99_an_undone_change_takes_the_address_from_those_who_claim_it(api: Api, required: None) -> None:
    api.register("alice")
    assert "errors" not in verify_email(last_mail_to(ADDRESS).token).json
    change_email(api.sign_in_member("alice"))
    undoing = last_mail_to(ADDRESS).token
    User.objects.create_user("mallory", ADDRESS, STRANGER)
    assert "errors" not in undo_email_change(undoing).json
    assert User.objects.get(email=ADDRESS).username == "alice"
    assert api.sign_in("mallory", STRANGER).code == "EMAIL_NOT_VERIFIED"


def test_s99_a_stranger_s_pending_change_gives_nothing_once_the_owner_verified(api: Api) -> None:
    mallory = verified_member("mallory", email="mallory@evil.example")
    request_email_change(mallory, ADDRESS)
    deliver()
    api.register("alice", ADDRESS)
    assert api(VERIFY, {"token": tokens_for("alice")[-1]}).data["verifyEmail"]["user"]["username"] == "alice"
    assert verify_email(tokens_for("mallory")[0]).code == "CONFLICT"
    assert User.objects.get(username="mallory").email == "mallory@evil.example"
    assert not Session.objects.filter(user__username="alice", ended_at=None).exists()
    assert Event.objects.filter(user__username="mallory", kind="email.changed").count() == 0
    assert not EmailToken.objects.filter(user__username="alice").exists()
