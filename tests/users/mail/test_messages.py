"""Letters: what each says, to whom, and that it says nothing once there is nothing to say."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outgoing
from django_tasks_db.models import DBTaskResult

from tests.api import NEW_PASSWORD, Api, Member, backdate
from tests.mail_flows import (
    ADDRESS,
    OTHER,
    change_email,
    delete_account,
    request_email_change,
    request_mail,
    verified_member,
)
from tests.mailbox import deliver, last_mail_to, mails_to
from users.caller import Caller
from users.mail import email_tokens, messages, outbox
from users.models import EmailToken, Session, User

EVIL = "<b>evil.example</b>"


def joined() -> Member:
    return verified_member(fullName="Alice & <Co>", deviceName="laptop")


def elsewhere(api: Api, name: str = "alice") -> None:
    """Sign in from a place that the user has not been."""
    Session.objects.update(ip_address="192.0.2.1")
    document = """mutation ($name: String!) { tokenAuth(username: $name, password: "correct horse battery staple",
        deviceName: "my \\"phone\\"") { token } }"""
    assert "errors" not in api(document, {"name": name}, User_Agent="Browser/1 <x>").json


def reused(api: Api, member: Member) -> None:
    """A spent refresh token comes back."""
    api.refresh(api.refresh(member.refresh_token).data["refreshToken"]["refreshToken"])
    assert api.refresh(member.refresh_token).code == "TOKEN_REUSED"


ACTS: dict[str, Any] = {
    "Choose a new password": lambda api, alice: request_mail("reset"),
    "A new device signed in": lambda api, alice: elsewhere(api),
    "Your password was changed": lambda api, alice: api.change_password(alice.token),
    "A session was ended for your safety": reused,
    "Your email was changed": lambda api, alice: change_email(alice),
    "Your account is closed": lambda api, alice: delete_account(alice),
}
LINKS = {
    "Choose a new password": "http://localhost:8000/account/reset#token=",
    "Your email was changed": "http://localhost:8000/account/undo#token=",
}


@pytest.mark.parametrize("subject", ACTS)
def test_a_letter_greets_says_what_happened_and_what_to_do_in_text_and_in_html(api: Api, subject: str) -> None:
    alice = joined()
    ACTS[subject](api, alice)
    letter = last_mail_to(ADDRESS)
    assert letter.subject == subject
    # A mail to a former email contains no text that the current owner of the account can change.
    is_theirs = subject != "Your email was changed"
    assert ("Hello Alice & <Co>," in letter.text) == ("Hello Alice &amp; &lt;Co&gt;," in letter.html) == is_theirs
    for text in (letter.text, letter.html):
        assert LINKS.get(subject, "http://localhost:8000/account/reset") in text
        assert "at Gateway" in text
        assert not re.search(r"\{[{%]|None|\bhttps?://(?!localhost:8000/)", text)
    if "token" not in LINKS.get(subject, ""):
        assert "127.0.0.1" in letter.text
        assert re.search(r"Time: \d{4}-\d\d-\d\d \d\d:\d\d UTC", letter.text)


def test_a_letter_that_asks_for_a_proof_has_a_link_a_code_and_how_long_they_last(api: Api) -> None:
    api.new_member("alice", fullName=EVIL)
    letter = last_mail_to(ADDRESS)
    assert f"http://localhost:8000/account/verify#token={letter.token}" in letter.text
    for text in (letter.text, letter.html):
        assert letter.code in text
        assert "1 hour" in text
        assert "evil" not in text, "who reads it need not know who wrote that"
    request_mail("reset")
    assert "30 minutes" in last_mail_to(ADDRESS).text
    assert "evil" not in last_mail_to(ADDRESS).text + last_mail_to(ADDRESS).html


@pytest.mark.parametrize("subject", sorted({*ACTS} - {"Your email was changed"}))
def test_mail_to_an_unverified_email_has_no_text_of_its_sender(api: Api, subject: str) -> None:
    alice = api.new_member("alice", fullName=EVIL, deviceName=EVIL)
    ACTS[subject](api, alice)
    letter = last_mail_to(ADDRESS)
    assert letter.subject == subject
    for text in (letter.text, letter.html):
        assert not [word for word in ("evil", "Browser", "alice") if word in text.replace(ADDRESS, "")]
    assert letter.text.startswith("Hello,")


SILENT: dict[str, Any] = {
    "erased": lambda: User.objects.all().delete(),
    "disabled": lambda: User.objects.update(is_active=False),
}


@pytest.mark.parametrize("meanwhile", SILENT)
@pytest.mark.parametrize("subject", ACTS)
def test_a_letter_about_an_account_that_is_no_more_is_not_sent(api: Api, subject: str, meanwhile: str) -> None:
    alice = joined()
    if subject == "Your email was changed":
        request_email_change(alice)
        deliver()
    deliver()
    outgoing.outbox.clear()
    if subject == "Your email was changed":
        held = email_tokens.hold_email(User.objects.get(), address=ADDRESS)
        outbox.queue(Caller(), messages.email_changed, user=User.objects.get(), address=ADDRESS, held=str(held))
    else:
        ACTS[subject](api, alice)
    SILENT[meanwhile]()
    deliver()
    assert outgoing.outbox == []


def test_a_proof_of_what_was_proven_or_changed_meanwhile_is_not_sent(api: Api) -> None:
    alice = api.new_member("alice")
    User.objects.update(is_email_verified=True)
    deliver()
    request_email_change(alice)
    User.objects.update(email="moved@example.com")
    deliver()
    assert outgoing.outbox == []
    assert not EmailToken.objects.exists()


def test_active_owner_of_a_used_email_gets_a_notice(api: Api) -> None:
    alice, _ = verified_member(), verified_member("bob", email=OTHER)
    request_email_change(alice)
    assert last_mail_to(OTHER).subject == "You already have an account"
    before = len(mails_to(OTHER))
    User.objects.filter(username="bob").update(is_active=False)
    request_email_change(alice)
    assert len(mails_to(OTHER)) == before


def test_a_letter_that_is_sent_again_has_a_token_of_its_own_and_the_former_is_void(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.new_member("alice")
    sent: list[Any] = []

    def fails_once(letter: Any, id: str) -> None:
        sent.append(letter)
        if len(sent) == 1:
            raise ConnectionError

    monkeypatch.setattr(outbox, "send", fails_once)
    deliver()
    outbox.retry_failed()
    backdate(DBTaskResult.objects, timedelta(hours=1), "run_after")
    deliver()
    first, second = (letter.facts["accounts"][0]["link"] for letter in sent)
    assert first != second
    assert EmailToken.objects.count() == 1


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("GATEWAY_VERIFY_URL", "https://app.example/welcome?t={token}", "https://app.example/welcome?t="),
        ("GATEWAY_NAME", "Wonderland", "Wonderland"),
    ],
)
def test_settings_say_where_links_lead_and_what_the_product_is_called(
    api: Api, settings: Any, setting: str, value: str, expected: str
) -> None:
    setattr(settings, setting, value)
    api.new_member("alice")
    (letter,) = mails_to(ADDRESS)
    assert expected in letter.text
    assert expected in letter.html


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (60, "1 minute"),
        (1_800, "30 minutes"),
        (3_600, "1 hour"),
        (5_400, "90 minutes"),
        (604_800, "7 days"),
        (61, "61 seconds"),
    ],
)
def test_a_span_is_said_as_people_say_it(seconds: int, said: str) -> None:
    assert messages._duration(timedelta(seconds=seconds)) == said


def test_a_mail_answers_no_absence_note_and_goes_to_one_address(api: Api) -> None:
    api.new_member("alice")
    message = mails_to(ADDRESS)[0].message
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert (message.to, message.cc, message.bcc) == ([ADDRESS], [], [])
    assert NEW_PASSWORD not in message.body
