"""Addresses: proven, changed, given back; by whom, and what strangers make of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, backdate
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
from tests.mailbox import count_queued_mails, deliver, last_mail_to, mails_to
from users.models import EmailToken, Event, Session, User

RACES = pytest.mark.django_db(transaction=True)
THIRD = "alice@example.net"
WEEK = timedelta(days=7)


def kinds(user: str = "alice") -> list[str]:
    return list(Event.objects.filter(user__username=user).order_by("at", "id").values_list("kind", flat=True))


def is_in(*members: Any) -> list[bool]:
    return ["errors" not in member("{ me { id } }").json for member in members]


# --- proving -------------------------------------------------------------------------------------


def test_an_address_is_proven_by_who_brings_the_token_back(api: Api) -> None:
    alice = api.new_member("alice")
    (mail,) = mails_to(ADDRESS)
    assert verify_email(mail.token, by=alice).data["verifyEmail"]["user"] == {
        "username": "alice",
        "email": ADDRESS,
        "isEmailVerified": True,
    }
    user = User.objects.get()
    assert (user.is_email_verified, user.credential_version, user.check_password(PASSWORD)) == (True, 0, True)
    assert kinds() == ["account.registered", "email.verified"]
    assert len(mails_to(ADDRESS)) == 1
    assert not EmailToken.objects.exists()


def test_s87_the_first_proof_ends_the_sessions_that_were_opened_before(api: Api) -> None:
    squatter, bob = api.new_member("alice"), api.new_member("bob")
    another = api.sign_in_member("alice")
    assert "errors" not in verify_email(last_mail_to(ADDRESS).token).json
    assert is_in(squatter, another, bob) == [False, False, True]
    assert api.refresh(squatter.refresh_token).code == "TOKEN_INVALID"
    event = Event.objects.get(kind="session.ended")
    assert event.facts == {"reason": "email verified", "ended": 2}


def test_s87_the_session_that_brings_the_proof_goes_on_alone(api: Api) -> None:
    alice, other = api.new_member("alice"), api.sign_in_member("alice")
    assert "errors" not in verify_email(last_mail_to(ADDRESS).token, by=alice).json
    assert is_in(alice, other) == [True, False]
    assert "errors" not in api.refresh(alice.refresh_token).json


def test_s87_another_s_session_is_not_the_user_s_own(api: Api) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    assert "errors" not in verify_email(last_mail_to(ADDRESS).token, by=bob).json
    assert is_in(alice, bob) == [False, True]


@pytest.mark.parametrize("token", ["rubbish", "expired"])
def test_s30_a_dead_access_token_does_not_keep_an_address_from_being_proven(api: Api, token: str) -> None:
    alice = api.new_member("alice")
    mail = last_mail_to(ADDRESS)
    backdate(Session.objects, timedelta(days=31), "expires_at")
    assert (
        "errors"
        not in verify_email(mail.token, Authorization=f"Bearer {alice.token if token == 'expired' else token}").json
    )


def test_a_second_proof_of_a_proven_address_ends_nothing(api: Api) -> None:
    alice, token = api.new_member("alice"), last_mail_to(ADDRESS).token
    User.objects.update(is_email_verified=True)
    assert "errors" not in verify_email(token).json
    assert is_in(alice) == [True]
    assert kinds() == ["account.registered"]


# --- asking for a mail ---------------------------------------------------------------------------

STATES = ["waiting", "proven", "inactive", "closed", "unknown", "in other letters"]


def in_state(state: str) -> str:
    """An account in a state; the address to ask by."""
    if state == "unknown":
        return "nobody@example.com"
    alice = verified_member() if state == "proven" else Api().new_member("alice")
    if state == "inactive":
        User.objects.update(is_active=False)
    if state == "closed":
        delete_account(alice)
    deliver()
    return ADDRESS.upper() if state == "in other letters" else ADDRESS


@pytest.mark.parametrize("what", ["verify", "reset"])
@pytest.mark.parametrize("state", STATES)
def test_s82_mail_requests_have_the_same_answer_and_cost(
    db: None, statements: Callable[[], Any], what: str, state: str
) -> None:
    request_mail(what, "first@example.com")
    with statements() as expected:
        alike = request_mail(what, "second@example.com")
    address = in_state(state)
    before = count_queued_mails()
    with statements() as seen:
        answer = request_mail(what, address)
    assert answer.response.content == alike.response.content
    assert sorted(answer.response.headers) == sorted(alike.response.headers)
    assert len(seen) == len(expected)
    assert count_queued_mails() == before + 1, "whether there is anything to say is found out later"


@pytest.mark.parametrize(
    ("what", "state", "subject"),
    [
        ("verify", "waiting", "Verify your email"),
        ("verify", "in other letters", "Verify your email"),
        ("verify", "proven", None),
        ("verify", "inactive", None),
        ("verify", "unknown", None),
        ("reset", "waiting", "Choose a new password"),
        ("reset", "in other letters", "Choose a new password"),
        ("reset", "proven", "Choose a new password"),
        ("reset", "closed", "Choose a new password"),
        ("reset", "inactive", None),
        ("reset", "unknown", None),
    ],
)
def test_s82_who_is_mailed_is_decided_after_the_answer(db: None, what: str, state: str, subject: str | None) -> None:
    address = in_state(state)
    before = len(mails_to(ADDRESS))
    request_mail(what, address)
    assert [mail.subject for mail in mails_to(ADDRESS)[before:]] == ([subject] if subject else [])
    assert mails_to("nobody@example.com") == mails_to(ADDRESS.upper()) == []


@pytest.mark.parametrize("what", ["verify", "reset"])
@pytest.mark.parametrize(
    "address", ["", "rubbish", "a@b@example.com", "a@example.com\nBcc: b@example.com", "\u0131@example.com"]
)
def test_s07_invalid_email_is_refused_without_a_mail(api: Api, what: str, address: str) -> None:
    answer = request_mail(what, address)
    assert answer.code == "BAD_USER_INPUT"
    assert {field for field, _ in answer.field_errors} == {"email"}
    assert count_queued_mails() == 0


@pytest.mark.parametrize("what", ["verify", "reset"])
@pytest.mark.parametrize("address", [ADDRESS, "nobody@example.com"])
def test_s83_email_gets_five_mails_an_hour_from_all_clients(api: Api, settings: Any, what: str, address: str) -> None:
    settings.GATEWAY_TRUSTED_PROXIES = 1
    api.new_member("alice", email="bob@example.com")
    User.objects.update(email=ADDRESS)
    spellings = [address, address.upper(), address.replace("a", "\uff41")]
    answers = [
        request_mail(what, spellings[number % 3], X_Forwarded_For=f"198.51.100.{number}") for number in range(20)
    ]
    codes = [answer.code for answer in answers if "errors" in answer.json]
    assert codes == ["RATE_LIMITED"] * 15
    assert len(mails_to(address)) == (5 if address == ADDRESS else 0)


def test_s83_a_client_asks_thirty_times_an_hour(api: Api) -> None:
    answers = [request_mail("reset" if number % 2 else "verify", f"user{number}@example.com") for number in range(32)]
    assert [answer.code for answer in answers if "errors" in answer.json] == ["RATE_LIMITED"] * 2


def test_request_in_capitals_changes_no_spelling(api: Api) -> None:
    alice = api.new_member("alice")
    request_mail("verify", "ALICE@EXAMPLE.COM")
    assert "errors" not in verify_email(last_mail_to(ADDRESS).token, by=alice).json
    assert User.objects.get().email == ADDRESS


def test_asking_leaves_a_record_with_whom_it_concerns(api: Api) -> None:
    api.new_member("alice")
    request_mail("verify")
    request_mail("verify", "nobody@example.com")
    told = Event.objects.filter(kind="email.verification_requested").order_by("at")
    assert [event.user and event.user.username for event in told] == ["alice", None]
    assert "nobody" not in str(list(told.values_list()))


# --- changing ------------------------------------------------------------------------------------


def test_s88_a_change_waits_for_its_proof_then_swaps_and_tells_the_former_address(api: Api) -> None:
    alice, other = verified_member(), api.sign_in_member("alice")
    before = User.objects.values().get()
    assert request_email_change(alice).data == {"changeEmail": {"accepted": True}}
    token = last_mail_to(OTHER).token
    assert User.objects.values().get() == before, "nothing yet"
    assert verify_email(token).data["verifyEmail"]["user"] == {
        "username": "alice",
        "email": OTHER,
        "isEmailVerified": True,
    }
    after = User.objects.values().get()
    assert {name for name in after if after[name] != before[name]} == {"email", "email_key", "verified_email_key"}
    assert is_in(alice, other) == [True, True]
    assert kinds()[-2:] == ["email.change_requested", "email.changed"]
    told = last_mail_to(ADDRESS)
    assert told.subject == "Your email was changed"
    assert told.token
    assert [mail.subject for mail in mails_to(OTHER)] == ["Verify your email"]
    assert api.sign_in(ADDRESS).code == "INVALID_CREDENTIALS"
    assert "errors" not in api.sign_in(OTHER).json


def test_an_address_is_changed_by_code_as_well(api: Api) -> None:
    request_email_change(verified_member())
    assert verify_email(last_mail_to(OTHER).code, ADDRESS).code == "TOKEN_INVALID"
    assert "errors" not in verify_email(last_mail_to(OTHER).code, OTHER).json


@pytest.mark.parametrize(
    ("new", "password", "code", "fields"),
    [
        (OTHER, "wrong", "INVALID_CREDENTIALS", None),
        (OTHER, "", "INVALID_CREDENTIALS", None),
        (ADDRESS, PASSWORD, "BAD_USER_INPUT", {("newEmail", "INVALID")}),
        ("", PASSWORD, "BAD_USER_INPUT", {("newEmail", "REQUIRED")}),
        ("rubbish", PASSWORD, "BAD_USER_INPUT", {("newEmail", "INVALID")}),
        ("a@example.com,b@example.com", PASSWORD, "BAD_USER_INPUT", {("newEmail", "INVALID")}),
        ("\u0430lice@example.org", PASSWORD, "BAD_USER_INPUT", {("newEmail", "INVALID")}),
        (f"{'a' * 250}@example.org", PASSWORD, "BAD_USER_INPUT", {("newEmail", "TOO_LONG")}),
    ],
)
def test_s88_refused_email_change_sends_no_mail(api: Api, new: str, password: str, code: str, fields: Any) -> None:
    alice = verified_member()
    before = count_queued_mails()
    answer = request_email_change(alice, new, password)
    assert answer.code == code
    assert fields is None or answer.field_errors == fields
    assert fields or answer.extensions["field"] == "password"
    assert count_queued_mails() == before


def test_s15_used_email_is_accepted_and_its_owner_gets_a_mail(api: Api, statements: Callable[[], Any]) -> None:
    verified_member("bob", email="Bob@example.com")
    alice = verified_member()
    request_email_change(alice, THIRD)
    with statements() as expected:
        alike = request_email_change(alice)
    with statements() as seen:
        answer = request_email_change(alice, "bob@EXAMPLE.com")
    assert answer.response.content == alike.response.content
    assert len(seen) == len(expected)
    assert [mail.subject for mail in mails_to("Bob@example.com")] == [
        "Verify your email",
        "You already have an account",
    ]
    assert mails_to("bob@EXAMPLE.com") == []
    assert "token=" not in last_mail_to("Bob@example.com").text


def test_one_s_own_address_in_another_case_is_taken_without_ado(api: Api) -> None:
    alice = verified_member()
    assert "errors" not in request_email_change(alice, "Alice@Example.com").json
    assert "errors" not in verify_email(last_mail_to("Alice@Example.com").token).json
    assert User.objects.get().email == "Alice@Example.com"
    assert not EmailToken.objects.exists()
    assert is_in(alice) == [True]


def test_s59_guesses_at_the_password_count_together_wherever_it_is_asked(api: Api) -> None:
    alice = verified_member()
    asks = [
        lambda: request_email_change(alice, OTHER, "wrong"),
        lambda: api.change_password(alice.token, "wrong"),
        lambda: delete_account(alice, "wrong"),
    ]
    codes = [asks[number % 3]().code for number in range(12)]
    assert codes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 2
    assert request_email_change(alice).code == "RATE_LIMITED"
    assert is_in(alice) == [True]


def test_s83_email_changes_do_not_flood_strangers(api: Api) -> None:
    alice = verified_member()
    codes = [request_email_change(alice, OTHER).json.get("errors") for _ in range(7)]
    assert [bool(each) for each in codes] == [False] * 5 + [True] * 2
    assert len(mails_to(OTHER)) == 5


def test_a_change_that_was_asked_for_dies_with_another_password(api: Api) -> None:
    alice = verified_member()
    request_email_change(alice)
    assert "errors" not in api.change_password(alice.token).json
    assert mails_to(OTHER) == [], "not even the letter is sent"


def test_s88_email_change_requires_a_session(api: Api) -> None:
    document = f'mutation {{ changeEmail(newEmail: "{OTHER}", password: "{PASSWORD}") {{ accepted }} }}'
    assert api(document).code == "UNAUTHENTICATED"
    assert count_queued_mails() == 0


@pytest.mark.parametrize("state", ["optional", "required", "off"])
def test_unverified_former_email_gets_a_mail_and_no_hold(api: Api, settings: Any, state: str) -> None:
    alice = api.new_member("alice", fullName="Buy at evil.example")
    settings.GATEWAY_EMAIL_VERIFICATION = state
    assert "errors" not in request_email_change(alice).json
    assert "errors" not in verify_email(last_mail_to(OTHER).token, by=alice).json
    told = last_mail_to(ADDRESS)
    assert told.subject == "Your email was changed"
    for text in (told.text, told.html):
        assert "evil.example" not in text
        assert "token=" not in text
    assert not EmailToken.objects.exists()
    assert state == "required" or "errors" not in api.register("bob", ADDRESS).json, (
        "whose it may be is free to have it"
    )


def test_s87_a_first_proof_by_a_changed_address_ends_sessions_as_well(api: Api) -> None:
    alice, other = api.new_member("alice"), api.sign_in_member("alice")
    request_email_change(alice)
    assert "errors" not in verify_email(last_mail_to(OTHER).token).json
    assert is_in(alice, other) == [False, False]


# --- giving back ---------------------------------------------------------------------------------


def taken_over() -> Any:
    """Alice's account, its address changed by who knew the password; the mail to the former one."""
    change_email(verified_member())
    return last_mail_to(ADDRESS)


def test_undoing_gives_the_address_back_and_shuts_the_thief_out(api: Api) -> None:
    thief, mail = api, taken_over()
    sessions = [thief.sign_in_member("alice"), thief.sign_in_member("alice")]
    assert undo_email_change(mail.token).data == {"undoEmailChange": {"endedSessions": 3, "user": {"email": ADDRESS}}}
    user = User.objects.get()
    assert (user.email, user.is_email_verified, user.has_usable_password()) == (ADDRESS, True, False)
    assert user.credential_version == 1
    assert is_in(*sessions) == [False, False]
    assert [api.refresh(each.refresh_token).code for each in sessions] == ["TOKEN_INVALID"] * 2
    assert kinds()[-2:] == ["session.ended", "email.change_undone"]
    assert {api.sign_in(name).code for name in ("alice", ADDRESS, OTHER)} == {"INVALID_CREDENTIALS"}
    assert Event.objects.get(kind="session.ended").facts["ended"] == 3
    assert undo_email_change(mail.token).code == "TOKEN_INVALID"
    assert "errors" not in reset_password(last_mail_to(ADDRESS).token).json, (
        "a mail that lets the owner choose a password"
    )
    api.sign_in_member(ADDRESS, NEW_PASSWORD)


def test_an_undoing_works_for_seven_days_and_its_address_is_held_as_long(api: Api) -> None:
    token = taken_over().token
    backdate(EmailToken.objects, WEEK - timedelta(minutes=1), "created_at", "expires_at")
    assert api.register("bob", ADDRESS).field_errors == {("email", "TAKEN")}
    backdate(EmailToken.objects, timedelta(minutes=2), "created_at", "expires_at")
    assert undo_email_change(token).code == "TOKEN_EXPIRED"
    assert User.objects.get().email == OTHER
    assert "errors" not in api.register("bob", ADDRESS).json


def test_a_held_address_is_taken_for_a_quiet_registration_too(api: Api, settings: Any) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "required"
    token = taken_over_in_quiet().token
    before = len(mails_to(ADDRESS))
    answer = api.register("mallory", ADDRESS)
    assert answer.response.content == api.register("bob").response.content
    assert not User.objects.filter(email=ADDRESS).exists()
    assert [mail.subject for mail in mails_to(ADDRESS)[before:]] == ["You already have an account"]
    assert "errors" not in undo_email_change(token).json


def test_what_was_mailed_to_the_thief_is_void_after_an_undoing(api: Api) -> None:
    token = taken_over().token
    thief = api.sign_in_member("alice")
    request_mail("reset", OTHER)
    request_email_change(thief, THIRD)
    late = [last_mail_to(OTHER), last_mail_to(THIRD)]
    request_mail("reset", OTHER)
    request_email_change(thief, THIRD)
    assert "errors" not in undo_email_change(token).json
    for mail in late:
        assert {reset_password(mail.token).code, verify_email(mail.token).code} == {"TOKEN_INVALID"}
    assert len(mails_to(OTHER)) == 3
    assert [mail.subject for mail in mails_to(THIRD)] == ["Verify your email"]


@pytest.mark.parametrize("uses_theirs", [False, True])
def test_of_two_changes_the_first_can_be_undone_even_after_the_thief_undid_the_second(
    api: Api, uses_theirs: bool
) -> None:
    first = taken_over()
    change_email(api.sign_in_member("alice"), THIRD)
    second = last_mail_to(OTHER)
    if uses_theirs:
        assert undo_email_change(second.token).data["undoEmailChange"]["user"] == {"email": OTHER}
        assert "errors" not in reset_password(last_mail_to(OTHER).token).json
        thief = api.sign_in_member("alice", NEW_PASSWORD)
    assert undo_email_change(first.token).data["undoEmailChange"]["user"] == {"email": ADDRESS}
    assert undo_email_change(second.token).code == "TOKEN_INVALID"
    assert not uses_theirs or is_in(thief) == [False]
    assert "errors" not in reset_password(last_mail_to(ADDRESS).token, PASSWORD + "!").json
    api.sign_in_member("alice", PASSWORD + "!")


def test_the_second_of_two_changes_can_be_undone_alone(api: Api) -> None:
    change_email(verified_member())
    change_email(api.sign_in_member("alice"), THIRD)
    assert "errors" not in undo_email_change(last_mail_to(OTHER).token).json
    assert User.objects.get().email == OTHER
    assert EmailToken.objects.filter(purpose="undo", address=ADDRESS).exists(), "what the owner left stays the owner's"


def test_neither_another_password_nor_closing_the_account_takes_the_undoing_away(api: Api) -> None:
    token, thief = taken_over().token, api.sign_in_member("alice")
    assert "errors" not in api.change_password(thief.token).json
    assert "errors" not in delete_account(thief, NEW_PASSWORD).json
    assert "errors" not in undo_email_change(token).json
    user = User.objects.get()
    assert (user.email, user.erases_at) == (ADDRESS, None)
    assert Event.objects.filter(kind="account.reopened", user=user).count() == 1


def test_an_account_that_the_staff_disabled_is_not_given_back(api: Api) -> None:
    token = taken_over().token
    User.objects.update(is_active=False)
    assert undo_email_change(token).code == "TOKEN_INVALID"
    assert User.objects.get().email == OTHER


def test_an_address_that_another_account_has_proven_meanwhile_is_not_taken_from_it(api: Api) -> None:
    token = taken_over().token
    bob = verified_member("bob")
    change_email(bob, ADDRESS)
    assert undo_email_change(token).code == "TOKEN_INVALID"
    assert User.objects.get(email=ADDRESS).username == "bob"


# --- at once -------------------------------------------------------------------------------------


@RACES
def test_of_four_accounts_that_prove_one_address_at_once_one_gets_it(
    run_concurrently: Callable[..., list[Answer]],
) -> None:
    members = [verified_member(f"member{number}") for number in range(4)]
    for member in members:
        request_email_change(member)
    tokens = [mail.token for mail in mails_to(OTHER)]
    answers = run_concurrently([lambda token=token: verify_email(token) for token in tokens])
    assert [answer.code for answer in answers if "errors" in answer.json] == ["CONFLICT"] * 3
    assert User.objects.filter(email=OTHER).count() == 1


@RACES
@pytest.mark.parametrize("round_", range(4))
def test_an_undoing_stands_against_all_that_the_thief_does_at_the_same_moment(
    run_concurrently: Callable[..., list[Any]], long_queue: None, round_: int
) -> None:
    token = taken_over().token
    api = Api()
    thief = api.sign_in_member("alice")
    spent = api.sign_in_member("alice").refresh_token
    for each in (spent, *[api.refresh(spent).data["refreshToken"]["refreshToken"]]):
        api.refresh(each)
    request_mail("reset", OTHER)
    request_email_change(thief, THIRD)
    resetting, verifying = last_mail_to(OTHER).token, last_mail_to(THIRD).token
    acts = [
        lambda: undo_email_change(token),
        lambda: reset_password(resetting),
        lambda: verify_email(verifying),
        lambda: Api().sign_in("alice"),
        lambda: Api().change_password(thief.token, PASSWORD, "yet another staple of mine"),
        lambda: Api().refresh(spent),
        lambda: delete_account(thief),
        lambda: request_mail("reset", OTHER),
    ]
    answers = run_concurrently(acts[round_:] + acts[:round_])
    codes = {answer.code for answer in answers if "errors" in answer.json}
    assert not codes & {"SERVICE_UNAVAILABLE", "INTERNAL_SERVER_ERROR"}
    undone = answers[-round_ % len(acts)]
    if "errors" in undone.json:
        assert undone.code == "CONFLICT"
        assert "errors" not in undo_email_change(token).json, "a loser of a race tries again"
    user = User.objects.get()
    assert (user.email, user.has_usable_password(), user.erases_at) == (ADDRESS, False, None)
    assert not Session.objects.filter(ended_at=None, credential_version=user.credential_version).exists()
    assert not EmailToken.objects.exclude(purpose="reset").exists()


def taken_over_in_quiet() -> Any:
    """The same, where a sign-in requires a verified email."""
    api = Api()
    api.register("alice")
    assert "errors" not in verify_email(last_mail_to(ADDRESS).token).json
    change_email(api.sign_in_member("alice"))
    return last_mail_to(ADDRESS)


def test_nothing_is_held_for_ever(db: None) -> None:
    taken_over()
    held = EmailToken.objects.get(purpose="undo")
    assert held.expires_at - timezone.now() <= WEEK


def test_a_pending_change_can_be_mailed_again_as_long_as_it_is_open(api: Api) -> None:
    alice = verified_member()
    request_email_change(alice)
    first = last_mail_to(OTHER)
    request_mail("verify", OTHER)
    second = last_mail_to(OTHER)
    assert (second.subject, second.token != first.token) == ("Verify your email", True)
    assert verify_email(first.token).code == "TOKEN_INVALID"
    assert verify_email(second.token).data["verifyEmail"]["user"]["email"] == OTHER
    request_mail("verify", OTHER)
    assert len(mails_to(OTHER)) == 2, "nothing is left to prove"


def test_owner_displaced_by_an_undone_change_gets_a_mail(api: Api) -> None:
    alice = verified_member()
    request_email_change(alice)
    verify_email(last_mail_to(OTHER).token)
    undo_email_change(last_mail_to(ADDRESS).token)
    told = last_mail_to(OTHER)
    assert told.subject == "This email no longer has an account"
    assert "alice" not in told.text
    assert [mail.subject for mail in mails_to(ADDRESS)][-1] == "Choose a new password"
