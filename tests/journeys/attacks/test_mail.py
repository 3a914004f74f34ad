"""Mail as a way in: asking whether an account is there, flooding, stealing and bending what is mailed."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outgoing

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api
from tests.mail_flows import (
    ADDRESS,
    OTHER,
    change_email,
    request_email_change,
    request_mail,
    reset_password,
    undo_email_change,
    verified_member,
    verify_email,
)
from tests.mailbox import deliver, last_mail_to, mails_to
from users.models import Attempts, EmailToken, Event, Session, User

RACES = pytest.mark.django_db(transaction=True)
WIDE = {name: [(10_000, timedelta(hours=1))] for name in ("mail_address", "mail_client", "register")}


def bare(answer: Answer) -> tuple[int, bytes, list[str]]:
    """Return the parts of an answer that a stranger sees, without ids."""
    return answer.status, re.sub(rb"[0-9a-f-]{32,36}", b"ID", answer.response.content), sorted(answer.response.headers)


# --- asking --------------------------------------------------------------------------------------


def test_s15_registration_with_a_known_email_has_the_usual_answer(api: Api, settings: Any) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "required"
    api.register("alice")
    assert "errors" not in verify_email(last_mail_to(ADDRESS).token).json
    free, taken = api.register("mallory", OTHER, NEW_PASSWORD), api.register("marlowe", ADDRESS, NEW_PASSWORD)
    assert bare(free) == bare(taken)
    for name in ("mallory", "marlowe"):
        assert api.sign_in(name, NEW_PASSWORD).code == "EMAIL_NOT_VERIFIED"
        assert api.sign_in(name).code == "INVALID_CREDENTIALS"
    assert bare(api.sign_in(OTHER, NEW_PASSWORD)) == bare(api.sign_in(ADDRESS, NEW_PASSWORD))
    assert "errors" not in api.sign_in(ADDRESS).json, "the owner's password is what it was"
    assert User.objects.filter(email_key=ADDRESS).count() == 1
    assert [mail.subject for mail in mails_to(ADDRESS)][1:] == ["You already have an account"]


def test_s82_asking_for_a_reset_answers_before_anything_depends_on_the_address(
    api: Api, statements: Callable[[], Any], settings: Any
) -> None:
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | WIDE
    for number in range(8):
        api.register(f"user{number}")
    seen = set()
    for number in range(8):
        for name in ("user", "nobody"):
            with statements() as counted:
                answer = bare(request_mail("reset", f"{name}{number}@example.com"))
            seen.add((str(answer), tuple(text.split()[0] for text in counted)))
    # The first of all made the rows that count where it came from.
    assert len({answer for answer, _ in seen}) == 1
    assert len(seen) <= 2
    assert outgoing.outbox == []


# --- flooding ------------------------------------------------------------------------------------


def test_s83_twenty_requests_send_at_most_five_mails_and_at_least_one(api: Api, settings: Any) -> None:
    settings.GATEWAY_TRUSTED_PROXIES = 1
    verified_member()
    before = len(mails_to(ADDRESS))
    spellings = [ADDRESS, "ALICE@example.com", "alice@EXAMPLE.COM", "\uff41lice@example.com"]
    for number in range(20):
        request_mail("reset", spellings[number % 4], X_Forwarded_For=f"203.0.113.{number}")
    assert 1 <= len(mails_to(ADDRESS)) - before <= 5


def test_s83_no_way_of_asking_floods_a_stranger(api: Api) -> None:
    mallory = api.new_member("mallory", email="victim@example.com", fullName="Visit evil.example")
    bob, password = verified_member("bob"), PASSWORD
    for number in range(12):
        request_mail("reset", "victim@example.com")
        request_mail("verify", "victim@example.com")
        request_email_change(bob, "Victim@example.com")
        following = f"{PASSWORD} {number}"
        api.change_password(mallory.token, password, following)
        password = following
        api.register(f"user{number}", "victim@example.com")
    letters = mails_to("victim@example.com")
    # Five resets, five verifications, and five mails that were not requested with the email.
    assert len(letters) <= 15
    assert not [mail for mail in letters if "evil.example" in mail.text + mail.html]


def test_s83_verification_and_change_requests_do_not_block_a_reset(api: Api) -> None:
    verified_member()
    bob = verified_member("bob")
    for _ in range(3):
        request_mail("verify")
        request_email_change(bob, ADDRESS)
    assert request_mail("verify").code == "RATE_LIMITED"
    assert "errors" not in request_mail("reset").json
    assert "errors" not in reset_password(last_mail_to(ADDRESS).token).json


@pytest.mark.parametrize("address", ["victim@example.com", "victim+shop@example.com"])
@pytest.mark.parametrize("what", ["reset", "verify"])
def test_s97_requests_for_other_tags_neither_block_nor_starve_the_owner(api: Api, what: str, address: str) -> None:
    verified_member("victim", email=address)
    for number in range(5):
        assert "errors" not in request_mail("reset", f"victim+{number}@example.com").json
        assert "errors" not in request_mail("verify", f"victim+{number}@example.com").json
    assert "errors" not in request_mail("reset", address).json
    assert last_mail_to(address).subject == "Choose a new password"
    assert "errors" not in reset_password(last_mail_to(address).token).json


@pytest.mark.parametrize("state", ["optional", "required"])
def test_s97_registrations_with_other_tags_neither_block_nor_starve_the_owner(
    api: Api, settings: Any, state: str
) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = state
    for number in range(8):
        assert "errors" not in api.register(f"mallory{number}", f"victim+{number}@example.com").json
    assert "errors" not in api.register("victim").json
    assert "errors" not in verify_email(last_mail_to("victim@example.com").token).json


@pytest.mark.parametrize("what", ["reset", "verify"])
def test_s97_unverified_tags_of_one_mailbox_share_a_cap_that_no_answer_shows(api: Api, what: str) -> None:
    for number in range(8):
        User.objects.create_user(f"user{number}", f"victim+{number}@example.com", PASSWORD)
    answers = [request_mail(what, f"victim+{number}@example.com") for number in range(8)]
    assert len({str(bare(answer)) for answer in answers}) == 1
    assert "errors" not in answers[0].json
    deliver()
    assert len(outgoing.outbox) == 5


def test_s97_a_change_to_many_tags_of_a_mailbox_is_capped_silently(api: Api) -> None:
    bob = verified_member("bob")
    before = len(outgoing.outbox)
    for number in range(8):
        assert "errors" not in request_email_change(bob, f"victim+{number}@example.com").json
    deliver()
    assert len(outgoing.outbox) - before == 5


def test_s97_a_known_address_costs_the_same_statements_as_an_unknown_one_beyond_the_cap(
    api: Api, statements: Callable[[], Any]
) -> None:
    verified_member("victim", email="victim+shop@example.com")
    for number in range(6):
        request_mail("reset", f"victim+{number}@example.com")
    seen = []
    for address in ("victim+shop@example.com", "victim+other@example.com"):
        with statements() as counted:
            answer = request_mail("reset", address)
        seen.append((bare(answer), [text.split()[0] for text in counted]))
    assert seen[0] == seen[1]


# --- stealing ------------------------------------------------------------------------------------


@RACES
def test_s84_of_thirteen_uses_of_a_reset_six_of_them_at_once_one_succeeds(
    run_concurrently: Callable[..., list[Answer]], long_queue: None
) -> None:
    verified_member()
    request_mail("reset")
    superseded = last_mail_to(ADDRESS)
    request_mail("reset")
    mail = last_mail_to(ADDRESS)
    assert len(mail.token) >= 43
    answers = [
        reset_password(superseded.token),
        reset_password(superseded.code, email=ADDRESS),
        reset_password(mail.token[:-1]),
    ]
    answers += run_concurrently(
        [lambda number=number: reset_password(mail.token, f"{NEW_PASSWORD} {number}") for number in range(6)]
    )
    answers += [
        reset_password(mail.token),
        reset_password(mail.code, email=ADDRESS),
        verify_email(mail.token),
        undo_email_change(mail.token),
    ]
    assert len(answers) == 13
    won = [number for number, answer in enumerate(answers) if "errors" not in answer.json]
    assert len(won) == 1
    assert {answer.code for number, answer in enumerate(answers) if number not in won} == {"TOKEN_INVALID"}
    assert User.objects.get().check_password(f"{NEW_PASSWORD} {won[0] - 3}")
    assert Event.objects.filter(kind="password.reset").count() == 1


@pytest.mark.parametrize("change_", ["password", "address"])
def test_s84_a_reset_dies_with_another_password_or_address(api: Api, change_: str) -> None:
    alice = verified_member()
    request_mail("reset")
    token = last_mail_to(ADDRESS).token
    if change_ == "password":
        assert "errors" not in api.change_password(alice.token).json
    else:
        change_email(alice)
    assert reset_password(token, "a third staple of mine").code == "TOKEN_INVALID"


def test_s84_a_stolen_copy_of_the_database_resets_nothing(api: Api) -> None:
    verified_member()
    request_mail("reset")
    mail, proof = last_mail_to(ADDRESS), EmailToken.objects.get()
    stolen = [proof.digest, proof.code, proof.digest[:43], str(proof.id), proof.id.hex]
    for secret in stolen:
        assert reset_password(secret).code == "TOKEN_INVALID"
    Attempts.objects.all().delete()
    for secret in stolen:
        assert reset_password(secret, email=ADDRESS).code == "TOKEN_INVALID"
    assert mail.token not in str(EmailToken.objects.values())


def test_s85_a_reset_ends_all_sessions_gives_none_clears_the_throttle_and_tells_the_owner(api: Api) -> None:
    alice = verified_member()
    thief = api.sign_in_member("alice")
    request_mail("reset")
    token = last_mail_to(ADDRESS).token
    for _ in range(11):
        api.sign_in("alice", "a wrong guess")
    answer = reset_password(token)
    assert "refreshToken" not in answer.response.content.decode()
    assert not answer.response.cookies
    for member in (alice, thief):
        assert member("{ me { id } }").code == "UNAUTHENTICATED"
        assert api.refresh(member.refresh_token).code == "TOKEN_INVALID"
    assert not Session.objects.filter(ended_at=None).exists()
    assert "errors" not in api.sign_in("alice", NEW_PASSWORD).json
    told = ["Choose a new password", "Your password was changed", "A new device signed in"]
    assert [mail.subject for mail in mails_to(ADDRESS)][-3:] == told


# --- bending -------------------------------------------------------------------------------------

POISON = {
    "Host": {"Host": "localhost:1@evil.example"},
    "X-Forwarded-Host": {"X_Forwarded_Host": "evil.example"},
    "X-Forwarded-Server": {"X_Forwarded_Server": "evil.example"},
    "Forwarded": {"Forwarded": "host=evil.example;proto=https"},
    "Origin": {"Origin": "https://evil.example"},
    "Referer": {"Referer": "https://evil.example/reset"},
    "User-Agent": {"User_Agent": "https://evil.example"},
    "X-Forwarded-Proto": {"X_Forwarded_Proto": "evil.example"},
}


@pytest.mark.parametrize("name", POISON)
def test_s86_no_header_bends_a_link(api: Api, name: str) -> None:
    verified_member()
    document = "mutation ($email: String!) { %s(email: $email) { accepted } }"
    User.objects.create_user("carol", "carol@example.com", PASSWORD)
    before = len(mails_to(ADDRESS))
    for field, address in (("requestPasswordReset", ADDRESS), ("requestEmailVerification", "carol@example.com")):
        answer = api(document % field, {"email": address}, **POISON[name])
        assert answer.status in {200, 400}
    letters = [*mails_to(ADDRESS)[before:], *mails_to("carol@example.com")]
    assert len(letters) == (0 if name == "Host" else 2)
    for mail in letters:
        assert "evil" not in mail.text + mail.html + str(mail.message.extra_headers)
        links = set(re.findall(r"https?://[^/\s\"<]+", mail.text + mail.html))
        assert links == {"http://localhost:8000"}


# --- squatting -----------------------------------------------------------------------------------


def test_s87_who_opened_an_account_with_another_s_address_is_out_when_the_owner_proves_it(api: Api) -> None:
    squatter = api.new_member("mallory", email=ADDRESS)
    mail = last_mail_to(ADDRESS)
    head, tail = mail.token[:20], mail.token[21:]
    altered = head + ("A" if mail.token[20] != "A" else "B") + tail
    assert reset_password(mail.token).code == verify_email(altered).code == "TOKEN_INVALID"
    assert verify_email(mail.token, ADDRESS).code == verify_email(mail.code, OTHER).code == "TOKEN_INVALID"
    assert "errors" not in verify_email(mail.token).json
    assert squatter("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.refresh(squatter.refresh_token).code == "TOKEN_INVALID"
    assert verify_email(mail.token).code == "TOKEN_INVALID"
    request_mail("reset")
    assert "errors" not in reset_password(last_mail_to(ADDRESS).token).json
    assert api.sign_in("mallory").code == "INVALID_CREDENTIALS"


def test_s87_a_squatter_s_change_of_address_leaves_no_claim_on_the_one_that_was_squatted(api: Api) -> None:
    squatter = api.new_member("mallory", email=ADDRESS)
    request_email_change(squatter, "mallory@evil.example")
    assert "errors" not in verify_email(last_mail_to("mallory@evil.example").token, by=squatter).json
    assert "token=" not in last_mail_to(ADDRESS).text
    assert "errors" not in api.register("alice", ADDRESS).json


def test_s88_email_change_requires_the_password_and_informs_the_former_email(api: Api) -> None:
    alice = verified_member()
    for password in ("", "a wrong guess", NEW_PASSWORD):
        assert request_email_change(alice, OTHER, password).code == "INVALID_CREDENTIALS"
    assert mails_to(OTHER) == []
    assert "errors" not in request_email_change(alice).json
    assert User.objects.get().email == ADDRESS, "before it is proven, it is nobody's"
    assert "errors" not in verify_email(last_mail_to(OTHER).token).json
    assert last_mail_to(ADDRESS).subject == "Your email was changed"


def test_s88_a_thief_who_changed_address_and_password_loses_both_to_the_former_address(api: Api) -> None:
    verified_member()
    thief = api.sign_in_member("alice")
    change_email(thief)
    undoing = last_mail_to(ADDRESS).token
    assert "errors" not in api.change_password(thief.token).json
    request_mail("reset", OTHER)
    later = last_mail_to(OTHER).token
    assert "errors" not in undo_email_change(undoing).json
    assert reset_password(later).code == "TOKEN_INVALID"
    assert thief("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.sign_in("alice", NEW_PASSWORD).code == "INVALID_CREDENTIALS"
    assert "errors" not in reset_password(last_mail_to(ADDRESS).token, "a staple of the owner's").json
    api.sign_in_member("alice", "a staple of the owner's")


def test_s83_registrations_flood_neither_one_mailbox_nor_the_world_from_one_client(api: Api, settings: Any) -> None:
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"register": [(1_000, timedelta(minutes=1))]}
    for number in range(8):
        assert "errors" not in api.register(f"one{number}", email=f"boss+{number}@example.com").json
    for number in range(40):
        assert "errors" not in api.register(f"many{number}").json
    deliver()
    assert len([each for each in outgoing.outbox if each.to[0].startswith("boss")]) == 5
    assert len(outgoing.outbox) == 30
    assert User.objects.count() == 48, "whoever joins is let in, with or without a letter"
