"""The export of an account: everything that is stored about a user except secrets."""

import json
from collections.abc import Callable
from typing import Any

from tests.api import UPDATE_PROFILE, Api, Member
from tests.mail_flows import ADDRESS, request_mail, verified_member
from tests.mailbox import last_mail_to
from users.models import User


def exported(member: Member) -> dict[str, Any]:
    return member("{ accountExport }").data["accountExport"]


def test_export_has_all_stored_data_and_no_secret(api: Api) -> None:
    alice = verified_member(fullName="Alice Thornby", deviceName="laptop")
    api.new_member("bob")
    alice(UPDATE_PROFILE, bio="I fell.")
    api.sign_in("alice", "wrong", User_Agent="Browser/1")
    request_mail("reset")
    mail, refreshed = last_mail_to(ADDRESS), api.refresh(alice.refresh_token).data["refreshToken"]
    taken = exported(alice)
    assert (taken["username"], taken["email"], taken["bio"]) == ("alice", ADDRESS, "I fell.")
    assert [each["deviceName"] for each in taken["sessions"]] == ["laptop"]
    assert {"account.registered", "email.verified", "sign_in.refused"} <= {each["kind"] for each in taken["events"]}
    assert [(each["purpose"], each["address"]) for each in taken["emailTokens"]] == [("reset", ADDRESS)]
    text = json.dumps(taken)
    user = User.objects.get(username="alice")
    session, proof = user.sessions.get(), user.email_tokens.get()
    secrets = [user.password, user.password.split("$")[-1], session.current, session.previous, proof.digest, proof.code]
    secrets += [str(session.selector), session.selector.hex, refreshed["refreshToken"], refreshed["token"]]
    secrets += [mail.token, mail.code, "argon2", "bob", "credential"]
    assert not [secret for secret in secrets if secret in text]


def test_export_statements_do_not_grow_with_the_rows(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.new_member("alice")
    with statements() as first:
        exported(alice)
    for _ in range(5):
        api.sign_in_member("alice")
    with statements() as later:
        exported(alice)
    # The session, and one statement for each kind of row.
    assert len(first) == len(later) == 8
