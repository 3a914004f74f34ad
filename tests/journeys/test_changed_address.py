"""A changed email: the new one counts once it is verified, and a mail to the former one can undo the change."""

from datetime import timedelta

from tests import mailbox
from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, Member, backdate
from users.models import EmailToken

VERIFY = "mutation ($token: String!) { verifyEmail(token: $token) { user { email isEmailVerified } } }"
UNDO = "mutation ($token: String!) { undoEmailChange(token: $token) { user { username email } endedSessions } }"
RESET = """mutation ($token: String!, $new: String!) {
  resetPassword(token: $token, newPassword: $new) { user { username } } }"""
CHANGE = "mutation ($to: String!, $password: String!) { changeEmail(newEmail: $to, password: $password) { accepted } }"
OLD, NEW = "alice@example.com", "alice@new.example"


def proven(api: Api, username: str) -> Member:
    member = api.new_member(username)
    member(VERIFY, token=mailbox.last_mail_to(f"{username}@example.com").token)
    return member


def change(member: Member, to: str = NEW, password: str = PASSWORD) -> Answer:
    return member(CHANGE, to=to, password=password)


def email(member: Member) -> str:
    return str(member("{ me { email } }").data["me"]["email"])


def test_new_email_counts_once_verified_and_the_former_gets_a_mail(api: Api) -> None:
    alice, phone = proven(api, "alice"), api.sign_in_member("alice")
    assert change(alice, password="a wrong guess").extensions["field"] == "password"
    assert change(alice, to="alice at home").field_errors == {("newEmail", "INVALID")}
    assert not mailbox.mails_to(NEW)

    assert change(alice).data == {"changeEmail": {"accepted": True}}
    assert email(alice) == OLD, "nothing has changed yet"
    proof = mailbox.last_mail_to(NEW)
    assert proof.subject == "Verify your email"
    # Read on another device, without a session.
    assert api(VERIFY, {"token": proof.token}).data["verifyEmail"]["user"] == {"email": NEW, "isEmailVerified": True}
    assert email(alice) == email(phone) == NEW, "no session has ended"
    assert api.sign_in(OLD).code == "INVALID_CREDENTIALS"
    assert "errors" not in api.sign_in_member(NEW)("{ me { id } }").json
    notice = mailbox.last_mail_to(OLD)
    assert notice.subject == "Your email was changed"
    assert "code" not in notice.html, "a link alone undoes it"
    assert alice(VERIFY, token=proof.token).code == "TOKEN_INVALID"


def test_owner_undoes_the_email_change_of_a_thief(api: Api) -> None:
    alice = proven(api, "alice")
    thief = api.sign_in_member("alice")
    change(thief, to="thief@example.net")
    api(VERIFY, {"token": mailbox.last_mail_to("thief@example.net").token})
    notice = mailbox.last_mail_to(OLD)

    # The thief covers their tracks: ends the owner's sessions, chooses another password, and another address still.
    assert "errors" not in api.change_password(thief.token).json
    thief.password = NEW_PASSWORD
    change(thief, to="thief@example.org", password=NEW_PASSWORD)
    api(VERIFY, {"token": mailbox.last_mail_to("thief@example.org").token})
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"
    # Nor does it help to have more mail sent, to be brought back later.
    api('mutation { requestPasswordReset(email: "thief@example.org") { accepted } }')
    kept = mailbox.last_mail_to("thief@example.org")
    change(thief, to="thief@example.com", password=NEW_PASSWORD)
    late = mailbox.last_mail_to("thief@example.com")

    undone = api(UNDO, {"token": notice.token}).data["undoEmailChange"]
    assert undone == {"user": {"username": "alice", "email": OLD}, "endedSessions": 1}
    assert thief("{ me { id } }").code == "UNAUTHENTICATED"
    for password in (PASSWORD, NEW_PASSWORD):
        assert api.sign_in("alice", password).code == "INVALID_CREDENTIALS", "the password opens nothing any more"
    assert api(RESET, {"token": kept.token, "new": PASSWORD}).code == "TOKEN_INVALID"
    assert api(VERIFY, {"token": late.token}).code == "TOKEN_INVALID"
    assert api(UNDO, {"token": mailbox.mails_to("thief@example.net")[-1].token}).code == "TOKEN_INVALID"
    assert api(UNDO, {"token": notice.token}).code == "TOKEN_INVALID"

    # A mail is there already, to choose another password by.
    mail = mailbox.last_mail_to(OLD)
    assert mail.subject == "Choose a new password"
    assert "errors" not in api(RESET, {"token": mail.token, "new": f"{PASSWORD} anew"}).json
    assert email(api.sign_in_member("alice", f"{PASSWORD} anew")) == OLD


def test_used_email_is_revealed_only_in_a_mail_to_it(api: Api) -> None:
    alice, bob = proven(api, "alice"), proven(api, "bob")
    free, taken = change(bob, to="free@example.com"), change(bob, to=OLD)
    assert free.response.content == taken.response.content
    mail = mailbox.last_mail_to(OLD)
    assert mail.subject == "You already have an account"
    assert "bob" not in mail.text
    assert (email(alice), email(bob)) == (OLD, "bob@example.com")

    # Of two who mean to have one address, the first to prove it has it.
    change(alice, to="free@example.com")
    first, second = mailbox.mails_to("free@example.com")[:2]
    assert alice(VERIFY, token=second.token).data["verifyEmail"]["user"]["email"] == "free@example.com"
    assert bob(VERIFY, token=first.token).code == "CONFLICT"
    assert email(bob) == "bob@example.com"


def test_former_email_is_held_for_a_week(api: Api) -> None:
    alice = proven(api, "alice")
    change(alice)
    alice(VERIFY, token=mailbox.last_mail_to(NEW).token)
    notice = mailbox.last_mail_to(OLD)
    assert api.register("bob", OLD).field_errors == {("email", "TAKEN")}
    backdate(EmailToken.objects, timedelta(days=7), "expires_at")
    assert api(UNDO, {"token": notice.token}).code == "TOKEN_EXPIRED"
    bob = api.new_member("bob", email=OLD)
    assert (email(alice), email(bob)) == (NEW, OLD)
