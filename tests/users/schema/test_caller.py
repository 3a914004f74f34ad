"""The caller: every guarded field refuses a stranger with the same error, and other fields still answer."""

from typing import Any

import pytest

from tests.api import PASSWORD, Api

GUARDED = {
    "me": "{ me { id } }",
    "accountExport": "{ accountExport }",
    "dashboard": "{ dashboard { message } }",
    "post": 'mutation { dashboard(text: "hello") { message } }',
    "updateProfile": 'mutation { updateProfile(bio: "x") { user { id } } }',
    "changePassword": 'mutation { changePassword(oldPassword: "a", newPassword: "b") { endedSessions } }',
    "deleteAccount": "mutation { deleteAccount { erasedAt } }",
    "changeEmail": 'mutation { changeEmail(newEmail: "a@example.com") { accepted } }',
    "endSession": 'mutation { endSession(id: "a") { ended } }',
    "endAllSessions": "mutation { endAllSessions { endedSessions } }",
    "verifyToken": "mutation { verifyToken { user { id } } }",
}


@pytest.mark.parametrize(("token", "reason"), [(None, "TOKEN_MISSING"), ("a.b.c", "TOKEN_INVALID")])
@pytest.mark.parametrize("document", GUARDED.values(), ids=GUARDED)
def test_stranger_must_sign_in(api: Api, document: str, token: str | None, reason: str) -> None:
    answer = api(document, token=token)
    assert answer.status == 200
    assert list(answer.json["data"].values()) == [None]
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", reason)


def test_a_refused_field_leaves_its_neighbours_alone(api: Api) -> None:
    answer = api("{ me { id } errorCodes }")
    assert answer.json["data"]["me"] is None
    assert "UNAUTHENTICATED" in answer.json["data"]["errorCodes"]
    assert answer.error["path"] == ["me"]


def test_who_signs_in_does_not_become_the_caller_of_the_same_document(api: Api, settings: Any) -> None:
    settings.GATEWAY_MAX_MUTATIONS = 2
    api.new_member("alice")
    sign_in = f'tokenAuth(username: "alice", password: "{PASSWORD}") {{ token }}'
    answer = api(f"mutation {{ {sign_in} endAllSessions {{ endedSessions }} }}")
    assert answer.json["data"]["tokenAuth"]["token"]
    assert answer.json["data"]["endAllSessions"] is None
    assert (answer.code, answer.error["path"]) == ("UNAUTHENTICATED", ["endAllSessions"])
