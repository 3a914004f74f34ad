"""A deleted account: out everywhere at once, back by signing in, and after a fortnight gone without a trace."""

from datetime import datetime, timedelta

from django.core.management import call_command
from django.utils import timezone

from tests import mailbox
from tests.api import PASSWORD, Answer, Api, Member, backdate
from users.models import EmailToken, Event, Session, User

DELETE = "mutation ($password: String!) { deleteAccount(password: $password) { erasedAt } }"
VERIFY = "mutation ($token: String!) { verifyEmail(token: $token) { user { id } } }"


def delete(member: Member, password: str = PASSWORD) -> Answer:
    return member(DELETE, password=password)


def test_closed_account_is_reopened_with_its_data(api: Api) -> None:
    laptop, phone = api.new_member("alice", fullName="Alice Example"), api.sign_in_member("alice")
    bob = api.new_member("bob")
    assert delete(laptop, "a wrong guess").code == "INVALID_CREDENTIALS"
    assert "errors" not in phone("{ me { id } }").json

    erased_at = datetime.fromisoformat(delete(laptop).data["deleteAccount"]["erasedAt"])
    assert timedelta(days=13, hours=23) < erased_at - timezone.now() <= timedelta(days=14)
    for member in (laptop, phone):
        assert member("{ me { id } }").code == "UNAUTHENTICATED"
        assert api.refresh(member.refresh_token).code == "TOKEN_INVALID"
    mail = mailbox.last_mail_to("alice@example.com")
    assert mail.subject == "Your account is closed"
    assert f"{erased_at:%Y-%m-%d %H:%M} UTC" in mail.text
    # Until then, the names are still the user's.
    assert api.register("Alice", "alice@EXAMPLE.com").field_errors == {("username", "TAKEN"), ("email", "TAKEN")}

    again = api.sign_in_member("alice@example.com")
    assert again("{ me { fullName } }").data == {"me": {"fullName": "Alice Example"}}
    backdate(User.objects.filter(erases_at__isnull=False), timedelta(days=15), "erases_at")
    call_command("prune")
    assert "errors" not in again("{ me { id } }").json
    assert "errors" not in bob("{ me { id } }").json
    kinds = list(Event.objects.filter(user__username="alice").values_list("kind", flat=True))
    assert kinds.count("account.closed") == kinds.count("account.reopened") == 1


def test_user_exports_and_deletes_the_account(api: Api) -> None:
    alice = api.new_member("alice", fullName="Alice Example", deviceName="laptop")
    bob = api.new_member("bob")
    taken = alice("{ accountExport }").data["accountExport"]
    assert (taken["username"], taken["fullName"], taken["email"]) == ("alice", "Alice Example", "alice@example.com")
    assert [each["deviceName"] for each in taken["sessions"]] == ["laptop"]
    assert [each["kind"] for each in taken["events"]] == ["account.registered"]
    assert PASSWORD not in str(taken)

    proof = mailbox.last_mail_to("alice@example.com")
    assert "errors" not in delete(alice).json
    assert api(VERIFY, {"token": proof.token}).code == "TOKEN_INVALID", "what was mailed before is void"
    mailbox.deliver()
    backdate(User.objects.filter(username="alice"), timedelta(days=14), "erases_at")
    call_command("prune")

    assert not Session.objects.filter(user_id=alice.claims["sub"]).exists()
    assert not EmailToken.objects.filter(address="alice@example.com").exists()
    # That it happened is kept, and nothing by which to tell to whom.
    nobodys = Event.objects.filter(user=None)
    assert {"account.registered", "account.closed", "account.erased"} <= set(nobodys.values_list("kind", flat=True))
    assert list(nobodys.values_list("session_id", "ip_address", "user_agent", "facts").distinct()) == [
        (None, None, "", {})
    ]
    assert mailbox.count_queued_mails() == 0, "nor does a letter say it"

    assert api.sign_in("alice").code == "INVALID_CREDENTIALS"
    # The names are free, and their next owner finds no data of the former one.
    heir = api.new_member("alice")
    assert heir.claims["sub"] != alice.claims["sub"]
    kinds = heir("{ me { events { edges { node { kind } } } } }").data["me"]["events"]["edges"]
    assert kinds == [{"node": {"kind": "ACCOUNT_REGISTERED"}}]
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"
    assert "errors" not in bob("{ me { id } }").json
