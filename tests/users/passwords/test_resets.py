"""Password resets by mailed token."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import (
    make_password,
)

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, Member
from tests.mail_flows import ADDRESS, OTHER, change_email, request_mail, reset_password, verified_member
from tests.mailbox import last_mail_to, mails_to
from users.models import Attempts, EmailToken, Event, Session, User
from users.passwords import hashing

RACES = pytest.mark.django_db(transaction=True)


def asked() -> str:
    """The token that was mailed to alice to choose a password by."""
    request_mail("reset")
    return last_mail_to(ADDRESS).token


def test_s85_reset_replaces_the_password_ends_all_sessions_and_sends_a_mail(api: Api) -> None:
    alice, other, bob = verified_member(), api.sign_in_member("alice"), api.new_member("bob")
    before = User.objects.filter(username="alice").values().get()
    answer = reset_password(asked())
    assert answer.data == {"resetPassword": {"endedSessions": 2, "user": {"username": "alice"}}}
    after = User.objects.filter(username="alice").values().get()
    assert {name for name in after if after[name] != before[name]} == {"password", "credential_version"}
    assert ["errors" in each("{ me { id } }").json for each in (alice, other, bob)] == [True, True, False]
    assert api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    assert not Session.objects.filter(user__username="alice", ended_at=None).exists()
    assert last_mail_to(ADDRESS).subject == "Your password was changed"
    kinds = list(Event.objects.filter(user__username="alice").order_by("at").values_list("kind", flat=True))
    assert kinds[-3:] == ["password.reset_requested", "session.ended", "password.reset"]
    assert Event.objects.get(kind="session.ended", user__username="alice").facts["reason"] == "password reset"
    assert api.sign_in("alice", PASSWORD).code == "INVALID_CREDENTIALS"
    api.sign_in_member("alice", NEW_PASSWORD)


def test_s85_reset_clears_the_sign_in_limits_of_the_owner(api: Api) -> None:
    api.new_member("alice")
    token = asked()
    for name in ("alice", ADDRESS):
        for _ in range(11):
            refused = api.sign_in(name, "a wrong guess")
        assert refused.code == "RATE_LIMITED"
    Attempts.objects.filter(key__startswith="sign_in_address").delete()
    assert "errors" not in reset_password(token).json
    for name in ("alice", ADDRESS):
        api.sign_in_member(name, NEW_PASSWORD)


def test_a_dead_token_costs_no_hash(api: Api, hashed: list[str]) -> None:
    api.new_member("alice")
    hashed.clear()
    assert reset_password("A" * 43).code == "TOKEN_INVALID"
    assert hashed == []


@pytest.mark.parametrize("meanwhile", [{"email": OTHER}, {"credential_version": 7}, {"is_active": False}])
def test_s84_a_reset_of_an_account_that_changes_meanwhile_changes_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, meanwhile: dict[str, Any]
) -> None:
    api.new_member("alice")
    token = asked()
    monkeypatch.setattr(
        hashing, "hash_password", lambda caller, raw, **_: (User.objects.update(**meanwhile), make_password(raw))[1]
    )
    assert reset_password(token).code == "TOKEN_INVALID"
    assert User.objects.get().check_password(PASSWORD)
    assert EmailToken.objects.filter(purpose="reset").exists()


def test_a_reset_asked_for_at_the_former_address_is_void_at_the_new_one(api: Api) -> None:
    alice = verified_member()
    token = asked()
    change_email(alice)
    assert reset_password(token).code == "TOKEN_INVALID"
    before = len(mails_to(ADDRESS))
    request_mail("reset", ADDRESS)
    assert len(mails_to(ADDRESS)) == before


@RACES
def test_s84_of_six_resets_and_changes_at_once_one_wins(
    run_concurrently: Callable[..., list[Answer]], long_queue: None
) -> None:
    members = [Api().new_member("alice"), Api().sign_in_member("alice"), Api().sign_in_member("alice")]
    token = asked()
    answers = run_concurrently(
        [
            *[lambda: reset_password(token)] * 3,
            *[lambda each=each: change(each, "yet another staple") for each in members],
        ]
    )
    codes = [answer.code for answer in answers if "errors" in answer.json]
    assert len(codes) == 5
    assert set(codes) <= {"TOKEN_INVALID", "CONFLICT", "UNAUTHENTICATED", "INVALID_CREDENTIALS"}
    assert User.objects.get().credential_version == 1


def change(member: Member, new: str) -> Answer:
    return Api().change_password(member.token, PASSWORD, new)


@pytest.mark.parametrize("setting", ["optional", "required"])
def test_reset_verifies_the_email(api: Api, settings: Any, setting: str) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = setting
    api.register("alice")
    api('mutation { requestPasswordReset(email: "alice@example.com") { accepted } }')
    document = """mutation ($token: String!, $new: String!) {
        resetPassword(token: $token, newPassword: $new) { user { isEmailVerified } } }"""
    answer = api(document, {"token": last_mail_to("alice@example.com").token, "new": NEW_PASSWORD})
    assert answer.data["resetPassword"]["user"]["isEmailVerified"]
    user = User.objects.get()
    assert (user.is_email_verified, user.erases_at) == (True, None)
    assert Event.objects.filter(kind="email.verified").count() == 1
    assert "errors" not in api.sign_in_member("alice", NEW_PASSWORD)("{ me { id } }").json
