"""Stolen and guessed sessions: replayed, raced, and named by who does not own them."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.api import Answer, Api, backdate
from users.models import Event, Session

RACES = pytest.mark.django_db(transaction=True)
END = "mutation ($id: ID!) { endSession(id: $id) { ended } }"


@RACES
def test_s48_a_spent_token_that_comes_eight_times_at_once_ends_the_session_once(
    run_concurrently: Callable[..., list[Answer]],
) -> None:
    alice, other = Api().new_member("alice"), Api().sign_in_member("alice")
    second = Api().refresh(alice.refresh_token).data["refreshToken"]
    third = Api().refresh(second["refreshToken"]).data["refreshToken"]
    backdate(Session.objects, timedelta(minutes=5), "rotated_at")
    codes = [answer.code for answer in run_concurrently([lambda: Api().refresh(alice.refresh_token)] * 8)]
    assert set(codes) <= {"TOKEN_REUSED", "TOKEN_INVALID"}
    assert "TOKEN_REUSED" in codes
    event = Event.objects.get(kind="refresh.reused")
    assert (str(event.session_id), event.facts["ended"]) == (alice.claims["sid"], 1)
    assert Api().me(third["token"]).code == "UNAUTHENTICATED"
    assert Api().refresh(third["refreshToken"]).code == "TOKEN_INVALID"
    assert "errors" not in other("{ me { id } }").json


@RACES
def test_s48_replay_that_races_the_owner_ends_the_session(
    run_concurrently: Callable[..., list[Answer]],
) -> None:
    alice = Api().new_member("alice")
    stolen = alice.refresh_token
    current = Api().refresh(stolen).data["refreshToken"]["refreshToken"]
    current = Api().refresh(current).data["refreshToken"]["refreshToken"]
    backdate(Session.objects, timedelta(minutes=5), "rotated_at")
    acts = [lambda: Api().refresh(current), lambda: Api().refresh(stolen)] * 3
    answers = run_concurrently(acts)
    assert all("errors" in answer.json for answer in answers[1::2])
    for answer in answers[::2]:
        if "errors" not in answer.json:
            pair = answer.data["refreshToken"]
            assert Api().me(pair["token"]).code == "UNAUTHENTICATED"
            assert Api().refresh(pair["refreshToken"]).code == "TOKEN_INVALID"
    assert Session.objects.get().ended_at is not None
    assert Event.objects.filter(kind="refresh.reused").count() == 1


@RACES
def test_s50_a_thief_who_races_the_owner_for_one_token_makes_no_second_chain(
    run_concurrently: Callable[..., list[Answer]],
) -> None:
    alice = Api().new_member("alice")
    acts = [lambda name=name: Api().refresh(alice.refresh_token, User_Agent=name) for name in ["owner", "thief"] * 4]
    pairs = {answer.data["refreshToken"]["refreshToken"] for answer in run_concurrently(acts)}
    assert len(pairs) == 1
    assert Session.objects.get().generation == 1
    # One of them uses it; when the other comes with it later, both are out.
    (successor,) = pairs
    Api().refresh(successor)
    backdate(Session.objects, timedelta(seconds=11), "rotated_at")
    assert Api().refresh(successor).code == "TOKEN_REUSED"
    assert Session.objects.get().ended_at is not None


@RACES
def test_s56_a_sign_out_that_races_refreshes_wins(run_concurrently: Callable[..., list[Answer]]) -> None:
    alice = Api().new_member("alice")
    acts = [lambda: Api().refresh(alice.refresh_token)] * 4 + [lambda: Api().revoke(alice.refresh_token)]
    answers = run_concurrently(acts)
    assert "errors" not in answers[-1].json
    for answer in answers[:-1]:
        if "errors" not in answer.json:
            assert Api().me(answer.data["refreshToken"]["token"]).code == "UNAUTHENTICATED"
            assert Api().refresh(answer.data["refreshToken"]["refreshToken"]).code == "TOKEN_INVALID"
        else:
            assert answer.code == "TOKEN_INVALID"
    assert Session.objects.get().ended_at is not None


def test_session_id_does_not_end_the_session_of_another_user(api: Api, statements: Callable[..., object]) -> None:
    """An insecure direct object reference would end it, or at least tell that it is there."""
    alice, bob = api.new_member("alice"), api.new_member("bob")
    sid = bob.claims["sid"]
    selector = str(Session.objects.get(id=sid).selector)
    spellings = [sid, sid.upper(), UUID(sid).hex, f"{{{sid}}}", f"urn:uuid:{sid}", selector, bob.claims["sub"]]
    costs, answers = set(), set()
    for id in [str(uuid4()), *spellings]:
        with statements() as seen:
            answer = alice(END, id=id)
        assert answer.code == "NOT_FOUND"
        costs.add(len(seen))
        answers.add((answer.status, answer.response.content))
    assert (len(costs), len(answers)) == (1, 1), "a session that is another's looks like none"
    assert "errors" not in bob("{ me { id } }").json
    assert "errors" not in api.refresh(bob.refresh_token).json
    assert not Event.objects.filter(kind="session.ended").exists()
    assert alice("mutation { endAllSessions { endedSessions } }").data["endAllSessions"]["endedSessions"] == 1
    assert "errors" not in bob("{ me { id } }").json


def test_s56_claims_of_an_access_token_end_no_session(api: Api) -> None:
    bob = api.new_member("bob")
    for shown in (bob.claims["sid"], bob.claims["sub"], bob.token, "A" * 64):
        assert api.revoke(shown).data["revokeToken"]["revoked"]
        assert api.refresh(shown).code == "TOKEN_INVALID"
    assert "errors" not in bob("{ me { id } }").json
