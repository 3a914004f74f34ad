"""A forgotten password: the reader of the account's mail sets a new one, with the link or the code."""

from datetime import timedelta

import pytest

from tests import mailbox
from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, backdate
from users.models import EmailToken, Event

REQUEST = "mutation ($email: String!) { requestPasswordReset(email: $email) { accepted } }"
RESET = """mutation ($token: String!, $email: String, $new: String!) {
  resetPassword(token: $token, email: $email, newPassword: $new) { user { username } endedSessions } }"""
ADDRESS = "alice@example.com"


def request(api: Api, address: str = ADDRESS) -> Answer:
    return api(REQUEST, {"email": address})


def reset(api: Api, mail: mailbox.ReceivedMail, how: str = "link", new: str = NEW_PASSWORD) -> Answer:
    # As people type: in small letters, with a blank where the mail has a dash.
    by = {"token": mail.token} if how == "link" else {"token": mail.code.lower().replace("-", " "), "email": ADDRESS}
    return api(RESET, {**by, "new": new})


@pytest.mark.parametrize("how", ["link", "code"])
def test_forgotten_password_is_reset_by_mail_and_ends_all_sessions(api: Api, how: str) -> None:
    laptop, thief = api.new_member("alice", deviceName="laptop"), api.sign_in_member("alice")
    bob = api.new_member("bob")
    for _ in range(10):
        api.sign_in("alice", "what was it")
    assert api.sign_in("alice").code == "RATE_LIMITED", "the guesses are used up"

    known, unknown = request(api, "ALICE@example.com"), request(api, "nobody@example.com")
    assert known.response.content == unknown.response.content
    assert not mailbox.mails_to("nobody@example.com")
    mail = mailbox.last_mail_to(ADDRESS)
    assert mail.subject == "Choose a new password"

    # A refused password does not use up the token.
    assert reset(api, mail, how, "password").field_errors == {("newPassword", "PASSWORD_TOO_COMMON")}
    done = reset(api, mail, how).data["resetPassword"]
    assert done == {"user": {"username": "alice"}, "endedSessions": 2}
    assert mailbox.last_mail_to(ADDRESS).subject == "Your password was changed"

    for member in (laptop, thief):
        assert member("{ me { id } }").code == "UNAUTHENTICATED"
        assert api.refresh(member.refresh_token).code == "TOKEN_INVALID"
    assert "errors" not in bob("{ me { id } }").json
    # The owner is let in at once; the old password is over.
    assert "errors" not in api.sign_in_member("alice", NEW_PASSWORD)("{ me { id } }").json
    assert api.sign_in("alice", PASSWORD).code == "INVALID_CREDENTIALS"
    assert {reset(api, mail, each, PASSWORD).code for each in ("link", "code")} == {"TOKEN_INVALID"}
    kinds = list(Event.objects.filter(user__username="alice").values_list("kind", flat=True))
    assert kinds.count("password.reset_requested") == kinds.count("password.reset") == 1


def test_newest_reset_mail_is_valid_for_half_an_hour_or_until_a_change(api: Api) -> None:
    alice = api.new_member("alice")
    request(api)
    first = mailbox.last_mail_to(ADDRESS)
    request(api)
    second = mailbox.last_mail_to(ADDRESS)
    assert first.token != second.token
    assert reset(api, first).code == reset(api, first, "code").code == "TOKEN_INVALID"

    # It came back to mind meanwhile.
    assert "errors" not in api.change_password(alice.token).json
    assert reset(api, second).code == "TOKEN_INVALID"

    request(api)
    third = mailbox.last_mail_to(ADDRESS)
    backdate(EmailToken.objects, timedelta(minutes=31), "expires_at")
    assert reset(api, third).code == reset(api, third, "code").code == "TOKEN_EXPIRED"
    assert "errors" not in alice("{ me { id } }").json


def test_code_guesses_are_limited_and_the_link_still_works(api: Api) -> None:
    api.new_member("alice")
    request(api)
    mail = mailbox.last_mail_to(ADDRESS)
    for guess in ("BBBB-BBBB", "CCCC-CCCC", "DDDD-DDDD", "FFFF-FFFF", "GGGG-GGGG"):
        assert api(RESET, {"token": guess, "email": ADDRESS, "new": NEW_PASSWORD}).code == "TOKEN_INVALID"
    assert reset(api, mail, "code").code == "RATE_LIMITED"
    assert reset(api, mail, "link").data["resetPassword"]["endedSessions"] == 1


def test_stranger_cannot_flood_a_mailbox(api: Api) -> None:
    api.new_member("alice")
    mailbox.deliver()
    answers = [request(api) for _ in range(20)]
    assert "errors" not in answers[0].json
    assert {answer.code for answer in answers[5:]} == {"RATE_LIMITED"}
    letters = [each for each in mailbox.mails_to(ADDRESS) if each.subject == "Choose a new password"]
    assert 1 <= len(letters) <= 5
    # What was asked for so often, its owner has: the newest works.
    assert "errors" not in reset(api, letters[-1]).json
