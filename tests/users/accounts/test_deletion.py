"""Account deletion: closed at once, opened again by a sign-in, erased after the grace period."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail as outgoing
from django.utils import timezone

from tests.api import NEW_PASSWORD, PASSWORD, Api, backdate
from tests.mail_flows import (
    ADDRESS,
    OTHER,
    change_email,
    delete_account,
    request_mail,
    reset_password,
    verified_member,
    verify_email,
)
from tests.mailbox import deliver, last_mail_to
from users.accounts import deletion
from users.models import EmailToken, Event, Session, User


@pytest.mark.usefixtures("verification_required")
def test_unverified_accounts_are_erased_and_verified_ones_stay(api: Api) -> None:
    for name in ("alice", "mallory", "bob"):
        api.register(name, ADDRESS if name == "mallory" else None)
        if name == "alice":
            assert "errors" not in verify_email(last_mail_to(ADDRESS).token).json
    assert deletion.prune() == 0
    backdate(User.objects.filter(erases_at__isnull=False), timedelta(days=15), "erases_at")
    assert deletion.prune() == 2
    assert User.objects.get().username == "alice"


def test_closing_ends_all_sessions_and_returns_the_time_of_erasure(api: Api, settings: Any) -> None:
    alice, bob = verified_member(), api.new_member("bob")
    others = [api.sign_in_member("alice"), api.sign_in_member("alice")]
    request_mail("reset")
    token = last_mail_to(ADDRESS).token
    before = User.objects.filter(username="alice").values().get()
    erased_at = datetime.fromisoformat(delete_account(alice).data["deleteAccount"]["erasedAt"])
    assert abs(erased_at - timezone.now() - settings.GATEWAY_ERASE_AFTER) < timedelta(minutes=1)
    after = User.objects.filter(username="alice").values().get()
    assert {name for name in after if after[name] != before[name]} == {"erases_at"}
    assert ["errors" in each("{ me { id } }").json for each in (alice, *others, bob)] == [True, True, True, False]
    assert api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    assert reset_password(token).code == "TOKEN_INVALID"
    assert Event.objects.get(kind="account.closed").user.username == "alice"
    mail = last_mail_to(ADDRESS)
    assert mail.subject == "Your account is closed"
    assert f"{erased_at:%Y-%m-%d %H:%M}" in mail.text
    assert api.register("alice", "else@example.com").field_errors == {("username", "TAKEN")}


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper()])
def test_a_wrong_password_closes_nothing(api: Api, password: str) -> None:
    alice = api.new_member("alice")
    answer = delete_account(alice, password)
    assert (answer.code, answer.extensions["field"]) == ("INVALID_CREDENTIALS", "password")
    assert User.objects.get().erases_at is None
    assert "errors" not in alice("{ me { id } }").json


def test_sign_in_reopens_a_closed_account(api: Api) -> None:
    delete_account(api.new_member("alice"))
    again = api.sign_in_member("alice")
    assert User.objects.get().erases_at is None
    kinds = list(Event.objects.order_by("at", "id").values_list("kind", flat=True))
    assert kinds[-2:] == ["account.reopened", "session.opened"]
    backdate(User.objects, timedelta(days=30), "date_joined")
    assert deletion.prune() == 0
    assert "errors" not in again("{ me { id } }").json


PROVE = {"verify": verify_email, "reset": reset_password}


@pytest.mark.parametrize("purpose", PROVE)
def test_verification_reopens_a_closed_account(api: Api, purpose: str) -> None:
    delete_account(api.new_member("alice"))
    request_mail(purpose)
    assert "errors" not in PROVE[purpose](last_mail_to(ADDRESS).token).json
    assert User.objects.get().erases_at is None
    assert Event.objects.get(kind="account.reopened").user.username == "alice"


@pytest.mark.usefixtures("verification_required")
@pytest.mark.parametrize("purpose", [*PROVE, "sign in"])
def test_verification_of_a_new_account_is_no_reopening(api: Api, settings: Any, purpose: str) -> None:
    api.register("alice")
    if purpose in PROVE:
        request_mail(purpose)
        assert "errors" not in PROVE[purpose](last_mail_to(ADDRESS).token).json
    settings.GATEWAY_EMAIL_VERIFICATION = "optional"
    api.sign_in_member("alice", NEW_PASSWORD if purpose == "reset" else PASSWORD)
    assert User.objects.get().erases_at is None
    assert not Event.objects.filter(kind="account.reopened").exists()


def test_closed_account_can_be_reopened_after_a_password_reset(api: Api) -> None:
    delete_account(verified_member())
    request_mail("reset")
    assert "errors" not in reset_password(last_mail_to(ADDRESS).token).json
    assert User.objects.get().erases_at, "a password alone opens nothing"
    api.sign_in_member("alice", NEW_PASSWORD)
    assert User.objects.get().erases_at is None


def test_due_account_is_erased_and_its_events_are_anonymous(api: Api) -> None:
    alice, bob = verified_member(fullName="Alice Thornby"), api.new_member("bob")
    api.sign_in("alice", "wrong", User_Agent="Browser/1")
    change_email(alice)
    request_mail("reset", OTHER)
    delete_account(alice)
    told = list(Event.objects.filter(user__username="alice").order_by("at").values_list("id", "kind", "at"))
    backdate(User.objects, timedelta(days=14, minutes=1), "erases_at")
    assert deletion.prune() == 1
    assert list(User.objects.values_list("username", flat=True)) == ["bob"]
    assert not EmailToken.objects.exclude(user__username="bob").exists()
    assert Session.objects.get().user.username == "bob"
    kept = Event.objects.filter(user=None).order_by("at")
    assert [(event.id, event.kind, event.at) for event in kept][: len(told)] == told
    assert kept.last().kind == "account.erased"
    for event in kept:
        assert (event.session_id, event.ip_address, event.user_agent, event.facts) == (None, None, "", {})
    outgoing.outbox.clear()
    deliver()
    assert outgoing.outbox == [], "what was queued for it is no longer sent"
    assert api.sign_in("alice").code == "INVALID_CREDENTIALS"
    assert "errors" not in bob("{ me { id } }").json
    assert "errors" not in api.register("alice", OTHER).json, "both names are free again"


def test_accounts_that_are_not_due_stay(api: Api) -> None:
    delete_account(api.new_member("alice"))
    api.new_member("bob")
    assert deletion.prune() == 0
    assert User.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(3))
def test_sign_in_that_races_the_erasure_keeps_the_account_or_fails(
    run_concurrently: Callable[..., list[Any]], _round: int
) -> None:
    delete_account(Api().new_member("alice"))
    backdate(User.objects, timedelta(days=15), "erases_at")
    answer, erased, *_ = run_concurrently([lambda: Api().sign_in("alice"), deletion.prune, deletion.prune])
    erased = not User.objects.exists()
    if erased:
        assert answer.code == "INVALID_CREDENTIALS"
        assert not Session.objects.exists()
    else:
        assert User.objects.get().erases_at is None
        assert "errors" not in Api().me(answer.data["tokenAuth"]["token"]).json
    assert Event.objects.filter(kind="account.erased").count() == erased


@pytest.mark.django_db(transaction=True)
def test_concurrent_closing_and_password_changes_end_all_other_sessions(
    run_concurrently: Callable[..., list[Any]], long_queue: None
) -> None:
    members = [verified_member(), *(Api().sign_in_member("alice") for _ in range(5))]
    answers = run_concurrently(
        [lambda member=member: delete_account(member) for member in members[:3]]
        + [lambda member=member: Api().change_password(member.token) for member in members[3:]]
    )
    codes = {answer.code for answer in answers if "errors" in answer.json}
    assert codes <= {"CONFLICT", "UNAUTHENTICATED", "INVALID_CREDENTIALS"}
    user = User.objects.get()
    live = Session.objects.filter(ended_at=None, credential_version=user.credential_version).count()
    assert live == 0 if user.erases_at else live == 1
