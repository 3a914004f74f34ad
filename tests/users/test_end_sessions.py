"""`manage.py end_sessions`: by name, and for everybody after a backup was restored."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests import mailbox
from tests.api import NEW_PASSWORD, Api
from users.models import EmailToken, Event

RESET = (
    "mutation ($token: String!, $new: String!) { resetPassword(token: $token, newPassword: $new) { endedSessions } }"
)


def test_end_sessions_ends_only_the_sessions_of_the_named_user(api: Api, capsys: Any) -> None:
    alice, bob = [api.new_member("alice"), api.sign_in_member("alice")], api.new_member("bob")
    call_command("end_sessions", "Alice@example.com")
    assert capsys.readouterr().out == "2 sessions of Alice@example.com ended\n"
    assert {each("{ me { id } }").code for each in alice} == {"UNAUTHENTICATED"}
    assert {api.refresh(each.refresh_token).code for each in alice} == {"TOKEN_INVALID"}
    assert "errors" not in bob("{ me { id } }").json
    event = Event.objects.get(kind="session.ended")
    assert (event.user.username, event.facts) == ("alice", {"reason": "ended by the operator", "ended": 2})


def test_f20_a_restored_backup_brings_no_session_link_or_letter_back(api: Api, capsys: Any, caplog: Any) -> None:
    members = [api.new_member("alice"), api.new_member("bob")]
    api('mutation { requestPasswordReset(email: "alice@example.com") { accepted } }')
    token = mailbox.last_mail_to("alice@example.com").token
    api('mutation { requestPasswordReset(email: "bob@example.com") { accepted } }')
    call_command("end_sessions", all=True)
    assert capsys.readouterr().out.splitlines()[:2] == ["2 sessions ended", "3 mailed links withdrawn"]
    assert {each("{ me { id } }").code for each in members} == {"UNAUTHENTICATED"}
    assert {api.refresh(each.refresh_token).code for each in members} == {"TOKEN_INVALID"}
    assert api(RESET, {"token": token, "new": NEW_PASSWORD}).code == "TOKEN_INVALID"
    assert (mailbox.count_queued_mails(), EmailToken.objects.count()) == (0, 0)
    said = [json.loads(record.getMessage()) for record in caplog.records if record.name == "gateway.audit"]
    assert (said[-1]["event"], said[-1]["ended"]) == ("session.ended", 2)
    assert "errors" not in api.sign_in_member("alice")("{ me { id } }").json


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [[], ["nobody"], ["alice", "--all"]])
def test_who_is_meant_must_be_plain(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("end_sessions", *arguments)
