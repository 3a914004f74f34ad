"""Sessions: one row, one successor, one end; a spent token betrays whoever holds it."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.utils import timezone

from tests.api import PASSWORD, Answer, Api, Member, age
from tests.mailed import ADDRESS, proven
from tests.post import queued, received
from users.caller import Caller
from users.crypto import refresh_tokens
from users.models import Event, Session, User
from users.sessions import access_tokens, rotation, sessions

RACES = pytest.mark.django_db(transaction=True)
GRACE = timedelta(seconds=10)
BEYOND_GRACE = timedelta(seconds=11)
END = "mutation ($id: ID!) { endSession(id: $id) { ended } }"
END_ALL = "mutation ($keep: Boolean) { endAllSessions(keepCurrent: $keep) { endedSessions } }"
ALPHABET = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def next_pair(api: Api, refresh_token: str) -> dict[str, Any]:
    return api.refresh(refresh_token).data["refreshToken"]


def beyond_grace() -> None:
    age(Session.objects, BEYOND_GRACE, "rotated_at")


# --- rotation ------------------------------------------------------------------------------------


def test_s47_every_refresh_gives_another_pair_that_works(api: Api) -> None:
    alice = api.join("alice")
    seen, token = {alice.refresh_token}, alice.refresh_token
    for generation in range(1, 4):
        pair = next_pair(api, token)
        token = pair["refreshToken"]
        assert token not in seen
        seen.add(token)
        assert api.me(pair["token"]).data["me"]["username"] == "alice"
        assert pair["claims"]["sid"] == alice.claims["sid"]
        assert Session.objects.get().generation == generation


def test_a_refresh_notes_from_where_and_when(api: Api) -> None:
    alice = api.join("alice")
    age(Session.objects, timedelta(days=1), "rotated_at", "expires_at", "created_at")
    before = Session.objects.get()
    api.refresh(alice.refresh_token, User_Agent="Browser/2", X_Request_Id="12345678")
    session = Session.objects.get()
    assert (session.user_agent, session.ip_address) == ("Browser/2", "127.0.0.1")
    assert timezone.now() - session.rotated_at < timedelta(minutes=1)
    assert session.expires_at - session.rotated_at == timedelta(days=7)
    assert session.created_at == before.created_at
    assert Event.objects.filter(kind="session.ended").count() == 0


def test_s48_a_replay_outside_the_grace_window_ends_the_session(api: Api) -> None:
    alice, other = api.join("alice"), api.signed_in("alice")
    tokens = [alice.refresh_token]
    for _ in range(3):
        pair = next_pair(api, tokens[-1])
        tokens.append(pair["refreshToken"])
    beyond_grace()
    assert api.refresh(tokens[0]).code == "TOKEN_REUSED"
    assert api.refresh(tokens[3]).code == "TOKEN_INVALID"
    assert api.refresh(tokens[0]).code == "TOKEN_INVALID"
    for token in (alice.token, pair["token"]):
        answer = api.me(token)
        assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    event = Event.objects.get(kind="refresh.reused")
    assert (str(event.session_id), event.user.username) == (alice.claims["sid"], "alice")
    assert "errors" not in other("{ me { id } }").json, "other sessions are not this thief's"
    assert "errors" not in api.refresh(other.refresh_token).json


def test_s48_the_token_before_last_is_a_replay_even_within_the_window(api: Api) -> None:
    first = api.join("alice").refresh_token
    second = next_pair(api, first)["refreshToken"]
    third = next_pair(api, second)["refreshToken"]
    assert api.refresh(first).code == "TOKEN_REUSED"
    assert api.refresh(third).code == "TOKEN_INVALID"


def test_s48_the_previous_token_is_a_replay_when_the_window_is_over(api: Api) -> None:
    first = api.join("alice").refresh_token
    second = next_pair(api, first)["refreshToken"]
    beyond_grace()
    assert api.refresh(first).code == "TOKEN_REUSED"
    assert api.refresh(second).code == "TOKEN_INVALID"


def test_s48_a_known_selector_with_another_secret_ends_the_session(api: Api) -> None:
    alice = api.join("alice")
    forged = refresh_tokens.first(Session.objects.get().selector)
    assert api.refresh(str(forged)).code == "TOKEN_REUSED"
    assert api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    assert Event.objects.filter(kind="refresh.reused").count() == 1


@RACES
@pytest.mark.parametrize("tabs", [2, 16])
def test_s49_s50_all_tabs_that_race_get_one_pair_by_one_step(at_once: Callable[..., list[Answer]], tabs: int) -> None:
    alice = Api().join("alice")
    answers = at_once([lambda: Api().refresh(alice.refresh_token)] * tabs)
    pairs = {(pair["token"], pair["refreshToken"]) for pair in (answer.data["refreshToken"] for answer in answers)}
    assert len(pairs) == 1
    assert Session.objects.get().generation == 1
    assert not Event.objects.exclude(kind="account.registered").exists()
    ((token, refresh_token),) = pairs
    assert "errors" not in Api().me(token).json
    assert "errors" not in Api().refresh(refresh_token).json


@pytest.mark.parametrize("claims", [[], ["username"]])
@pytest.mark.parametrize("seconds", [0, 9])
def test_s51_a_lost_answer_is_given_again(api: Api, settings: Any, seconds: int, claims: list[str]) -> None:
    settings.GATEWAY_TOKEN_CLAIMS = claims
    alice = api.join("alice")
    once = next_pair(api, alice.refresh_token)
    again = next_pair(api, alice.refresh_token)
    assert (again["token"], again["refreshToken"]) == (once["token"], once["refreshToken"])
    age(Session.objects, timedelta(seconds=seconds), "rotated_at")
    later = next_pair(api, alice.refresh_token)
    assert later["refreshToken"] == once["refreshToken"]
    assert Session.objects.get().generation == 1


def test_s51_the_window_does_not_grow_by_being_used(api: Api) -> None:
    alice = api.join("alice")
    next_pair(api, alice.refresh_token)
    age(Session.objects, timedelta(seconds=6), "rotated_at")
    next_pair(api, alice.refresh_token)
    age(Session.objects, timedelta(seconds=6), "rotated_at")
    assert api.refresh(alice.refresh_token).code == "TOKEN_REUSED"


def test_s51_the_same_answer_is_given_while_the_servers_secret_changes(api: Api, settings: Any) -> None:
    alice = api.join("alice")
    once = next_pair(api, alice.refresh_token)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret, long enough for anything that is derived from it"
    assert next_pair(api, alice.refresh_token)["refreshToken"] == once["refreshToken"]
    beyond = next_pair(api, once["refreshToken"])
    settings.SECRET_KEY_FALLBACKS = []
    assert "errors" not in api.refresh(beyond["refreshToken"]).json


def test_a_secret_that_was_dropped_without_a_fallback_ends_only_what_is_asked_again(api: Api, settings: Any) -> None:
    alice, bob = api.join("alice"), api.join("bob")
    next_pair(api, alice.refresh_token)
    settings.SECRET_KEY = "another secret, long enough for anything that is derived from it"
    assert api.refresh(alice.refresh_token).code == "TOKEN_REUSED"
    assert "errors" not in api.refresh(bob.refresh_token).json


def test_a_clock_set_back_makes_no_thief(api: Api) -> None:
    alice = api.join("alice")
    once = next_pair(api, alice.refresh_token)
    age(Session.objects, -timedelta(hours=1), "rotated_at")
    assert next_pair(api, alice.refresh_token)["refreshToken"] == once["refreshToken"]
    later = next_pair(api, once["refreshToken"])
    assert "errors" not in api.me(later["token"]).json


@pytest.mark.parametrize("change", [{"ended_at": timezone.now()}, {"expires_at": timezone.now()}])
def test_a_session_that_ends_between_the_look_and_the_swap_gives_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    alice, advance = api.join("alice"), rotation._advance

    def end_first(*asked: Any) -> Any:
        Session.objects.update(**change)
        return advance(*asked)

    monkeypatch.setattr(rotation, "_advance", end_first)
    assert api.refresh(alice.refresh_token).code in {"TOKEN_INVALID", "TOKEN_EXPIRED"}
    assert Session.objects.get().generation == 0


def test_s52_refresh_tokens_are_opaque_and_random(api: Api) -> None:
    members = [api.join("alice"), *(api.signed_in("alice") for _ in range(5))]
    tokens = [member.refresh_token for member in members]
    tokens += [next_pair(api, token)["refreshToken"] for token in tokens]
    for token in tokens:
        assert len(token) == 64
        assert set(token) <= ALPHABET
        parsed = refresh_tokens.parse(token)
        assert parsed is not None
        assert str(parsed.selector) not in {member.claims["sid"] for member in members}
    assert len({refresh_tokens.parse(token).secret for token in tokens}) == 12
    assert len({token[:21] for token in tokens}) == 6


def test_s53_nothing_that_opens_anything_lies_in_the_database(api: Api) -> None:
    alice = api.join("alice")
    pair = next_pair(api, alice.refresh_token)
    secrets = [PASSWORD, alice.token, pair["token"]]
    for token in (alice.refresh_token, pair["refreshToken"]):
        t = refresh_tokens.parse(token).secret
        secrets += [token, token[22:], t.hex(), str(t)]
    kept = str([list(model.objects.values()) for model in apps.get_app_config("users").get_models()])
    assert "alice@example.com" in kept
    assert [secret for secret in secrets if secret in kept] == []


def test_s54_rotation_never_moves_the_absolute_end(api: Api) -> None:
    grant = api.register("alice").data["register"]
    assert grant["refreshExpiresIn"] == int(Session.objects.get().absolute_expires_at.timestamp())
    age(Session.objects, timedelta(days=1), "created_at", "rotated_at", "expires_at", "absolute_expires_at")
    before = Session.objects.get().expires_at
    pair = next_pair(api, grant["refreshToken"])
    assert pair["refreshExpiresIn"] == grant["refreshExpiresIn"] - 86_400
    assert Session.objects.get().expires_at - before >= timedelta(days=1)


def test_s54_near_the_absolute_end_neither_the_session_nor_its_access_token_outlives_it(api: Api) -> None:
    alice = api.join("alice")
    age(Session.objects, timedelta(days=30) - timedelta(minutes=2), "absolute_expires_at")
    pair = next_pair(api, alice.refresh_token)
    session = Session.objects.get()
    assert session.expires_at == session.absolute_expires_at
    assert pair["claims"]["exp"] == pair["refreshExpiresIn"] == int(session.absolute_expires_at.timestamp())
    assert pair["claims"]["exp"] - pair["claims"]["iat"] <= 120


def test_s54_a_session_that_nobody_refreshed_for_a_week_is_over(api: Api) -> None:
    alice = api.join("alice")
    session = Session.objects.get()
    assert session.expires_at - session.rotated_at == timedelta(days=7)
    assert session.absolute_expires_at - session.created_at == timedelta(days=30)
    age(Session.objects, timedelta(days=7), "rotated_at", "expires_at")
    assert api.refresh(alice.refresh_token).code == "TOKEN_EXPIRED"
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"
    assert len(api.signed_in("alice")("{ me { sessions { id } } }").data["me"]["sessions"]) == 1


GARBAGE = {
    "empty": "",
    "short": "x",
    "space": " ",
    "nul": "\x00" * 64,
    "emoji": "\U0001f600" * 64,
    "long": "A" * 90_000,
    "padded": "A" * 63 + "=",
    "other alphabet": "+/" * 32,
    "a uuid": "8f14e45f-ceea-467f-a8a3-6a2b1e0e7a11",
    "a jwt": "eyJhbGciOiJub25lIn0.e30.",
    "sql": "' OR 1=1 --",
    "unknown": "A" * 64,
    "wide": "\uff21" * 64,
    "newline": "A" * 64 + "\n",
}


@pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE)
def test_s55_rubbish_has_one_clean_answer_and_ends_nothing(api: Api, token: str) -> None:
    alice = api.join("alice")
    answer = api.refresh(token)
    assert (answer.status, answer.code) == (200, "TOKEN_INVALID")
    assert answer.json["data"] == {"refreshToken": None}
    assert answer.error["message"] == api.refresh("B" * 64).error["message"]
    assert "errors" not in api.refresh(alice.refresh_token).json


def test_s55_another_spelling_of_a_token_is_not_the_token(api: Api) -> None:
    alice = api.join("alice")
    while not set(alice.refresh_token) & {"-", "_"}:
        alice = api.signed_in("alice")
    respelt = alice.refresh_token.replace("-", "+").replace("_", "/")
    assert api.refresh(respelt).code == "TOKEN_INVALID"
    assert api.refresh(f" {alice.refresh_token}").code == "TOKEN_INVALID"
    assert "errors" not in api.refresh(alice.refresh_token).json


def test_without_a_token_the_argument_is_named(api: Api) -> None:
    for answer in (api.refresh(None), api.revoke(None)):
        assert answer.code == "BAD_USER_INPUT"
        assert answer.field_errors == {("refreshToken", "REQUIRED")}


# --- ends ----------------------------------------------------------------------------------------


def test_s46_a_deactivated_user_is_out_at_once(api: Api) -> None:
    alice, bob = api.join("alice"), api.join("bob")
    User.objects.filter(username="alice").update(is_active=False)
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    assert api.sign_in("alice").code == "INVALID_CREDENTIALS"
    assert "errors" not in bob("{ me { id } }").json
    User.objects.update(is_active=True)
    assert "errors" not in api.refresh(alice.refresh_token).json, "being refused told no thief from an owner"


def test_s56_s57_signing_out_ends_the_session_and_its_access_token_and_no_other(api: Api) -> None:
    alice, other = api.join("alice"), api.signed_in("alice")
    for _ in range(2):
        assert api.revoke(alice.refresh_token).data["revokeToken"]["revoked"] > 1_700_000_000
    assert api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    answer = alice("{ me { id } }")
    assert (answer.code, answer.extensions["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    assert "errors" not in other("{ me { id } }").json
    event = Event.objects.get(kind="session.ended")
    assert (str(event.session_id), event.facts["reason"]) == (alice.claims["sid"], "signed out")


@pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE)
def test_s56_signing_out_with_a_token_that_is_not_ours_is_silent(api: Api, token: str) -> None:
    alice = api.join("alice")
    assert set(api.revoke(token).data["revokeToken"]) == {"revoked"}
    assert "errors" not in alice("{ me { id } }").json
    assert not Event.objects.filter(kind="session.ended").exists()


def test_s56_a_spent_token_signs_out_as_well(api: Api) -> None:
    alice = api.join("alice")
    pair = next_pair(api, alice.refresh_token)
    api.revoke(alice.refresh_token)
    assert api.me(pair["token"]).code == "UNAUTHENTICATED"
    assert api.refresh(pair["refreshToken"]).code == "TOKEN_INVALID"


def test_a_user_ends_another_session_of_their_own(api: Api) -> None:
    alice, other = api.join("alice"), api.signed_in("alice")
    assert alice(END, id=other.claims["sid"]).data == {"endSession": {"ended": True}}
    assert other("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.refresh(other.refresh_token).code == "TOKEN_INVALID"
    event = Event.objects.get(kind="session.ended")
    assert (str(event.session_id), event.facts) == (other.claims["sid"], {"reason": "ended by the user", "ended": 1})
    assert alice(END, id=alice.claims["sid"]).data == {"endSession": {"ended": True}}
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"


@pytest.mark.parametrize("case", ["another's", "ended", "expired", "unknown", "rubbish", "empty", "selector"])
def test_what_is_no_live_session_of_ones_own_is_not_found(api: Api, case: str) -> None:
    alice, bob, third = api.join("alice"), api.join("bob"), api.signed_in("alice")
    rows = Session.objects.filter(id=third.claims["sid"])
    if case == "ended":
        api.revoke(third.refresh_token)
    if case == "expired":
        rows.update(expires_at=timezone.now())
    ids = {
        "another's": bob.claims["sid"],
        "unknown": "00000000-0000-4000-8000-000000000000",
        "rubbish": "'; --",
        "empty": "",
        "selector": str(rows.get().selector),
    }
    answer = alice(END, id=ids.get(case, third.claims["sid"]))
    assert (answer.code, answer.error["message"]) == (
        "NOT_FOUND",
        "The object does not exist, or belongs to another user.",
    )
    assert "errors" not in bob("{ me { id } }").json


@pytest.mark.parametrize(
    ("variables", "ended", "stays"),
    [({}, 3, False), ({"keep": False}, 3, False), ({"keep": None}, 3, False), ({"keep": True}, 2, True)],
)
def test_a_user_ends_all_sessions_or_all_but_this_one(
    api: Api, variables: dict[str, Any], ended: int, stays: bool
) -> None:
    alice, bob = api.join("alice"), api.join("bob")
    others = [api.signed_in("alice"), api.signed_in("alice")]
    assert alice(END_ALL, **variables).data == {"endAllSessions": {"endedSessions": ended}}
    assert [is_in(member) for member in (alice, *others, bob)] == [stays, False, False, True]
    event = Event.objects.get(kind="session.ended")
    assert (event.session_id, event.facts["ended"]) == (None, ended)


def test_ending_all_others_where_there_are_none_is_no_event(api: Api) -> None:
    alice = api.join("alice")
    assert alice(END_ALL, keep=True).data == {"endAllSessions": {"endedSessions": 0}}
    assert not Event.objects.filter(kind="session.ended").exists()


def test_only_live_sessions_are_shown_the_last_used_first(api: Api) -> None:
    alice = api.join("alice", deviceName="first")
    members = [api.signed_in("alice") for _ in range(4)]
    rows = [Session.objects.filter(id=member.claims["sid"]) for member in (alice, *members)]
    for hours, row in enumerate(rows):
        age(row, timedelta(hours=hours), "rotated_at")
    rows[2].update(ended_at=timezone.now())
    rows[3].update(expires_at=timezone.now())
    rows[4].update(credential_version=7)
    shown = alice("{ me { sessions { id isCurrent } } }").data["me"]["sessions"]
    assert shown == [
        {"id": alice.claims["sid"], "isCurrent": True},
        {"id": members[0].claims["sid"], "isCurrent": False},
    ]
    api.refresh(members[0].refresh_token)
    age(rows[0], timedelta(hours=1), "rotated_at")
    assert alice("{ me { sessions { isCurrent } } }").data["me"]["sessions"][0] == {"isCurrent": False}


# --- what is told --------------------------------------------------------------------------------


def test_a_token_that_came_back_is_told_once_by_mail(api: Api) -> None:
    alice = proven(deviceName="laptop")
    next_pair(api, next_pair(api, alice.refresh_token)["refreshToken"])
    for code in ("TOKEN_REUSED", "TOKEN_INVALID", "TOKEN_INVALID"):
        assert api.refresh(alice.refresh_token).code == code
    letters = [mail for mail in received(ADDRESS) if mail.subject == "A session was ended for your safety"]
    assert len(letters) == 1
    assert "laptop" in letters[0].text


@RACES
def test_a_token_that_comes_back_ten_times_at_once_is_told_once(at_once: Callable[..., list[Answer]]) -> None:
    alice = proven()
    api = Api()
    next_pair(api, next_pair(api, alice.refresh_token)["refreshToken"])
    before = queued()
    answers = at_once([lambda: Api().refresh(alice.refresh_token)] * 10)
    assert {answer.code for answer in answers} <= {"TOKEN_REUSED", "TOKEN_INVALID"}
    assert queued() == before + 1


@RACES
@pytest.mark.parametrize("_round", range(3))
def test_tokens_that_come_back_while_the_password_changes_wait_for_nobody_in_a_circle(
    at_once: Callable[..., list[Answer]], _round: int
) -> None:
    alice = Api().join("alice")
    others = [Api().signed_in("alice") for _ in range(6)]
    for other in others:
        next_pair(Api(), next_pair(Api(), other.refresh_token)["refreshToken"])
    acts = [lambda other=other: Api().refresh(other.refresh_token) for other in others]
    answers = at_once([*acts[:3], lambda: Api().change_password(alice.token), *acts[3:]])
    assert "errors" not in answers[3].json
    assert {answer.code for answer in answers if answer is not answers[3]} <= {"TOKEN_REUSED", "TOKEN_INVALID"}


@RACES
def test_who_ends_all_while_the_password_changes_waits_for_nobody_in_a_circle(
    at_once: Callable[..., list[Any]],
) -> None:
    alice = Api().join("alice")
    Api().signed_in("alice")
    asking = access_tokens.signed_in(Caller(token=alice.token))

    def change() -> int:
        # As a change of the password does it: the account, the other sessions, this one.
        with transaction.atomic():
            User.objects.update(full_name="changed")
            Session.objects.exclude(id=asking.session.id).update(device_name="changed")
            time.sleep(0.5)
            return Session.objects.filter(id=asking.session.id).update(device_name="changed")

    def end() -> int:
        time.sleep(0.2)
        return sessions.end_all(asking)

    assert at_once([change, end]) == [1, 2]


# --- what it costs -------------------------------------------------------------------------------


def test_a_refresh_costs_two_statements(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.join("alice")
    with statements() as seen:
        api.refresh(alice.refresh_token)
    assert [text.split()[0] for text in seen] == ["SELECT", "UPDATE"]


def test_rubbish_is_looked_up_nowhere(api: Api, statements: Callable[[], Any]) -> None:
    with statements() as seen:
        api.refresh("rubbish")
        api.revoke("rubbish")
    assert not [text for text in seen if "users_session" in text]


def test_reading_all_sessions_costs_two_statements(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.join("alice")
    for _ in range(3):
        api.signed_in("alice")
    with statements() as seen:
        document = "{ me { sessions { id deviceName userAgent ipAddress createdAt lastUsedAt expiresAt isCurrent } } }"
        assert len(alice(document).data["me"]["sessions"]) == 4
    assert len(seen) == 2


def is_in(member: Member) -> bool:
    return "errors" not in member("{ me { id } }").json
