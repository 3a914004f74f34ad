"""Rotation of refresh tokens: each token is used once, and a reused token ends the session."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.api import Answer, Api, backdate
from tests.mail_flows import ADDRESS, verified_member
from tests.mailbox import count_queued_mails, mails_to
from users.crypto import refresh_tokens
from users.models import Event, Session
from users.sessions import rotation

RACES = pytest.mark.django_db(transaction=True)


BEYOND_GRACE = timedelta(seconds=11)


def beyond_grace() -> None:
    backdate(Session.objects, BEYOND_GRACE, "rotated_at")


def test_s47_every_refresh_gives_another_pair_that_works(api: Api) -> None:
    alice = api.new_member("alice")
    seen, token = {alice.refresh_token}, alice.refresh_token
    for generation in range(1, 4):
        pair = api.next_pair(token)
        token = pair["refreshToken"]
        assert token not in seen
        seen.add(token)
        assert api.me(pair["token"]).data["me"]["username"] == "alice"
        assert pair["claims"]["sid"] == alice.claims["sid"]
        assert Session.objects.get().generation == generation


def test_a_refresh_notes_from_where_and_when(api: Api) -> None:
    alice = api.new_member("alice")
    backdate(Session.objects, timedelta(days=1), "rotated_at", "expires_at", "created_at")
    before = Session.objects.get()
    api.refresh(alice.refresh_token, User_Agent="Browser/2", X_Request_Id="12345678")
    session = Session.objects.get()
    assert (session.user_agent, session.ip_address) == ("Browser/2", "127.0.0.1")
    assert timezone.now() - session.rotated_at < timedelta(minutes=1)
    assert session.expires_at - session.rotated_at == timedelta(days=7)
    assert session.created_at == before.created_at
    assert Event.objects.filter(kind="session.ended").count() == 0


def test_s48_a_replay_outside_the_grace_window_ends_the_session(api: Api) -> None:
    alice, other = api.new_member("alice"), api.sign_in_member("alice")
    tokens = [alice.refresh_token]
    for _ in range(3):
        pair = api.next_pair(tokens[-1])
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
    first = api.new_member("alice").refresh_token
    second = api.next_pair(first)["refreshToken"]
    third = api.next_pair(second)["refreshToken"]
    assert api.refresh(first).code == "TOKEN_REUSED"
    assert api.refresh(third).code == "TOKEN_INVALID"


def test_s48_the_previous_token_is_a_replay_when_the_window_is_over(api: Api) -> None:
    first = api.new_member("alice").refresh_token
    second = api.next_pair(first)["refreshToken"]
    beyond_grace()
    assert api.refresh(first).code == "TOKEN_REUSED"
    assert api.refresh(second).code == "TOKEN_INVALID"


def test_s48_a_known_selector_with_another_secret_ends_the_session(api: Api) -> None:
    alice = api.new_member("alice")
    forged = refresh_tokens.first(Session.objects.get().selector)
    assert api.refresh(str(forged)).code == "TOKEN_REUSED"
    assert api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    assert Event.objects.filter(kind="refresh.reused").count() == 1


@RACES
@pytest.mark.parametrize("tabs", [2, 16])
def test_s49_s50_all_tabs_that_race_get_one_pair_by_one_step(
    run_concurrently: Callable[..., list[Answer]], tabs: int
) -> None:
    alice = Api().new_member("alice")
    answers = run_concurrently([lambda: Api().refresh(alice.refresh_token)] * tabs)
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
    alice = api.new_member("alice")
    once = api.next_pair(alice.refresh_token)
    again = api.next_pair(alice.refresh_token)
    assert (again["token"], again["refreshToken"]) == (once["token"], once["refreshToken"])
    backdate(Session.objects, timedelta(seconds=seconds), "rotated_at")
    later = api.next_pair(alice.refresh_token)
    assert later["refreshToken"] == once["refreshToken"]
    assert Session.objects.get().generation == 1


def test_s51_the_window_does_not_grow_by_being_used(api: Api) -> None:
    alice = api.new_member("alice")
    api.next_pair(alice.refresh_token)
    backdate(Session.objects, timedelta(seconds=6), "rotated_at")
    api.next_pair(alice.refresh_token)
    backdate(Session.objects, timedelta(seconds=6), "rotated_at")
    assert api.refresh(alice.refresh_token).code == "TOKEN_REUSED"


def test_s51_the_same_answer_is_given_while_the_servers_secret_changes(api: Api, settings: Any) -> None:
    alice = api.new_member("alice")
    once = api.next_pair(alice.refresh_token)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret, long enough for anything that is derived from it"
    assert api.next_pair(alice.refresh_token)["refreshToken"] == once["refreshToken"]
    beyond = api.next_pair(once["refreshToken"])
    settings.SECRET_KEY_FALLBACKS = []
    assert "errors" not in api.refresh(beyond["refreshToken"]).json


def test_a_secret_that_was_dropped_without_a_fallback_ends_only_what_is_asked_again(api: Api, settings: Any) -> None:
    alice, bob = api.new_member("alice"), api.new_member("bob")
    api.next_pair(alice.refresh_token)
    settings.SECRET_KEY = "another secret, long enough for anything that is derived from it"
    assert api.refresh(alice.refresh_token).code == "TOKEN_REUSED"
    assert "errors" not in api.refresh(bob.refresh_token).json


def test_a_clock_set_back_makes_no_thief(api: Api) -> None:
    alice = api.new_member("alice")
    once = api.next_pair(alice.refresh_token)
    backdate(Session.objects, -timedelta(hours=1), "rotated_at")
    assert api.next_pair(alice.refresh_token)["refreshToken"] == once["refreshToken"]
    later = api.next_pair(once["refreshToken"])
    assert "errors" not in api.me(later["token"]).json


@pytest.mark.parametrize("change", [{"ended_at": timezone.now()}, {"expires_at": timezone.now()}])
def test_a_session_that_ends_between_the_look_and_the_swap_gives_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    alice, advance = api.new_member("alice"), rotation._advance

    def end_first(*asked: Any) -> Any:
        Session.objects.update(**change)
        return advance(*asked)

    monkeypatch.setattr(rotation, "_advance", end_first)
    assert api.refresh(alice.refresh_token).code in {"TOKEN_INVALID", "TOKEN_EXPIRED"}
    assert Session.objects.get().generation == 0


def test_reused_token_sends_one_mail(api: Api) -> None:
    alice = verified_member(deviceName="laptop")
    api.next_pair(api.next_pair(alice.refresh_token)["refreshToken"])
    for code in ("TOKEN_REUSED", "TOKEN_INVALID", "TOKEN_INVALID"):
        assert api.refresh(alice.refresh_token).code == code
    letters = [mail for mail in mails_to(ADDRESS) if mail.subject == "A session was ended for your safety"]
    assert len(letters) == 1
    assert "laptop" in letters[0].text


@RACES
def test_ten_concurrent_reuses_send_one_mail(run_concurrently: Callable[..., list[Answer]]) -> None:
    alice = verified_member()
    api = Api()
    api.next_pair(api.next_pair(alice.refresh_token)["refreshToken"])
    before = count_queued_mails()
    answers = run_concurrently([lambda: Api().refresh(alice.refresh_token)] * 10)
    assert {answer.code for answer in answers} <= {"TOKEN_REUSED", "TOKEN_INVALID"}
    assert count_queued_mails() == before + 1


@RACES
@pytest.mark.parametrize("_round", range(3))
def test_reused_tokens_do_not_deadlock_with_a_password_change(
    run_concurrently: Callable[..., list[Answer]], _round: int
) -> None:
    alice = Api().new_member("alice")
    others = [Api().sign_in_member("alice") for _ in range(6)]
    for other in others:
        Api().next_pair(Api().next_pair(other.refresh_token)["refreshToken"])
    acts = [lambda other=other: Api().refresh(other.refresh_token) for other in others]
    answers = run_concurrently([*acts[:3], lambda: Api().change_password(alice.token), *acts[3:]])
    assert "errors" not in answers[3].json
    assert {answer.code for answer in answers if answer is not answers[3]} <= {"TOKEN_REUSED", "TOKEN_INVALID"}
