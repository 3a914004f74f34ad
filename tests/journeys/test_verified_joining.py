"""Registration where emails must be verified: no session before the verification, and no account enumeration."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from tests import mailbox
from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, backdate
from users.models import Event, User

VERIFY = (
    "mutation ($token: String!, $email: String) { verifyEmail(token: $token, email: $email) { user { username } } }"
)
ASK_AGAIN = "mutation ($email: String!) { requestEmailVerification(email: $email) { accepted } }"
NOTHING = {"token": None, "refreshToken": None, "refreshExpiresIn": None, "claims": None, "user": None}


@pytest.fixture(autouse=True)
def _proven_first(settings: Any) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "required"


def verify(api: Api, mail: mailbox.ReceivedMail, how: str, address: str) -> Answer:
    return api(VERIFY, {"token": mail.token} if how == "link" else {"token": mail.code, "email": address})


@pytest.mark.parametrize("how", ["link", "code"])
def test_new_user_verifies_the_email_and_signs_in(api: Api, how: str) -> None:
    assert api.register("alice", fullName="Alice Example").data["register"] == NOTHING
    assert api.sign_in("alice").code == "EMAIL_NOT_VERIFIED"
    assert api.sign_in("alice", "a wrong guess").code == "INVALID_CREDENTIALS"

    mail = mailbox.last_mail_to("alice@example.com")
    assert mail.subject == "Verify your email"
    assert "Account: alice\n" in mail.text
    assert "Alice Example" not in mail.text, "the reader may be a stranger"
    assert verify(api, mail, how, "alice@example.com").data == {"verifyEmail": {"user": {"username": "alice"}}}

    alice = api.sign_in_member("alice@example.com")
    assert alice("{ me { isEmailVerified events { edges { node { kind } } } } }").data["me"] == {
        "isEmailVerified": True,
        "events": {"edges": [{"node": {"kind": kind}} for kind in kinds_until_now("alice")]},
    }
    # Once is once, by either way.
    assert {verify(api, mail, each, "alice@example.com").code for each in ("link", "code")} == {"TOKEN_INVALID"}
    assert "errors" not in alice("{ me { id } }").json


def test_only_the_newest_verification_mail_is_valid(api: Api) -> None:
    api.register("alice")
    lost = mailbox.last_mail_to("alice@example.com")
    answers = [api(ASK_AGAIN, {"email": each}) for each in ("alice@example.com", "nobody@example.com")]
    assert answers[0].response.content == answers[1].response.content
    assert not mailbox.mails_to("nobody@example.com")
    assert verify(api, lost, "link", "").code == "TOKEN_INVALID"
    assert "errors" not in verify(api, mailbox.last_mail_to("alice@example.com"), "link", "").json

    # There is nothing to prove any more, and the answer does not tell so.
    count = len(mailbox.mails_to("alice@example.com"))
    assert api(ASK_AGAIN, {"email": "alice@example.com"}).response.content == answers[1].response.content
    assert len(mailbox.mails_to("alice@example.com")) == count


def test_used_email_is_revealed_only_to_its_owner(api: Api) -> None:
    for newcomer, address in (("alice", "alice@example.com"), ("bob", "bob@example.com")):
        api.register(newcomer, address)
    verify(api, mailbox.last_mail_to("alice@example.com"), "link", "")

    free, taken = api.register("carol", "carol@example.com"), api.register("mallory", "alice@example.com", NEW_PASSWORD)
    assert free.response.content == taken.response.content
    mail = mailbox.last_mail_to("alice@example.com")
    assert mail.subject == "You already have an account"
    assert "mallory" not in mail.text

    # Username and password of what was made tell as little.
    assert api.sign_in("carol").code == api.sign_in("mallory", NEW_PASSWORD).code == "EMAIL_NOT_VERIFIED"
    assert api.register("mallory", "other@example.com").field_errors == {("username", "TAKEN")}
    assert api(ASK_AGAIN, {"email": "alice@example.com"}).data == {"requestEmailVerification": {"accepted": True}}
    assert mailbox.last_mail_to("alice@example.com") == mail, "and there is no proof to be had for it"
    assert api.sign_in_member("alice@example.com").claims["sub"] == str(User.objects.get(username="alice").id)


def test_unverified_account_is_erased_and_its_name_is_free_again(api: Api) -> None:
    api.register("alice")
    verify(api, mailbox.last_mail_to("alice@example.com"), "link", "")
    api.register("forgetful")
    api.register("mallory", "alice@example.com")
    mailbox.deliver()
    backdate(User.objects.filter(erases_at__isnull=False), timedelta(days=13), "erases_at")
    call_command("prune")
    assert User.objects.count() == 3
    backdate(User.objects.filter(erases_at__isnull=False), timedelta(days=1), "erases_at")
    call_command("prune")
    assert list(User.objects.values_list("username", flat=True)) == ["alice"]

    assert api.register("forgetful").data["register"] == NOTHING
    verify(api, mailbox.last_mail_to("forgetful@example.com"), "code", "forgetful@example.com")
    assert "errors" not in api.sign_in_member("forgetful", PASSWORD)("{ me { id } }").json


def kinds_until_now(username: str) -> list[str]:
    kinds = Event.objects.filter(user__username=username).order_by("-at", "-id").values_list("kind", flat=True)
    names = {"session.opened": "SIGNED_IN", "email.verified": "EMAIL_VERIFIED", "sign_in.refused": "SIGN_IN_REFUSED"}
    return [names.get(kind, "ACCOUNT_REGISTERED") for kind in kinds]
