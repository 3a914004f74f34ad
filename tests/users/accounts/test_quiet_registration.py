"""Registration where emails must be verified: the answers do not reveal whether an email has an owner."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outgoing
from django.utils import timezone

from tests.api import NEW_PASSWORD, PASSWORD, UPDATE_PROFILE, Answer, Api
from tests.mail_flows import ADDRESS, change_email, request_email_change, request_mail, verify_email
from tests.mailbox import count_queued_mails, last_mail_to, mails_to
from users import normalization
from users.models import Attempts, Event, Session, User


def probes(api: Api, username: str, address: str) -> list[tuple[Any, ...]]:
    """Return the answers to a stranger that registers an email, and to further requests."""
    bob = Api().sign_in_member("bob")
    answers = [
        api.register(username, address, NEW_PASSWORD),
        api.register(username, "else@example.com", NEW_PASSWORD),
        api.register(username.upper(), address, NEW_PASSWORD),
        bob(UPDATE_PROFILE, username=username),
        api.sign_in(username, NEW_PASSWORD),
        api.sign_in(username.upper(), "a wrong guess"),
        api.sign_in(address, NEW_PASSWORD),
        api.sign_in(address.upper(), NEW_PASSWORD),
        request_mail("verify", address),
        request_mail("reset", address),
        verify_email("BCDF-GHJK", address),
        request_email_change(bob, address),
    ]
    return [(answer.status, answer.response.content, sorted(answer.response.headers)) for answer in answers]


@pytest.mark.usefixtures("verification_required")
def test_s15_registration_and_further_requests_do_not_reveal_a_used_email(db: None) -> None:
    for name in ("alice", "bob"):
        assert "errors" not in Api().register(name).json
        assert "errors" not in verify_email(last_mail_to(f"{name}@example.com").token).json
    Attempts.objects.all().delete()
    free = probes(Api(), "mallory", "nobody@example.com")
    Attempts.objects.all().delete()
    taken = probes(Api(), "marlowe", ADDRESS)
    assert b'"token":null' in free[0][1]
    assert b"EMAIL_NOT_VERIFIED" in free[4][1]
    assert b"INVALID_CREDENTIALS" in free[6][1]
    assert free == taken


@pytest.mark.usefixtures("verification_required")
@pytest.mark.parametrize("state", ["proven", "unproven", "inactive", "held", "another case"])
def test_s15_registering_costs_the_same_whether_or_not_the_address_is_taken(
    db: None, statements: Callable[[], Any], state: str
) -> None:
    Api().register("alice")
    if state != "unproven":
        assert "errors" not in verify_email(last_mail_to(ADDRESS).token).json
    if state == "inactive":
        User.objects.update(is_active=False)
    if state == "held":
        change_email(Api().sign_in_member("alice"))
    Attempts.objects.all().delete()
    costs = []
    for username, address in (
        ("mallory", "nobody@example.com"),
        ("marlowe", ADDRESS.upper() if " " in state else ADDRESS),
    ):
        before = count_queued_mails()
        Attempts.objects.filter(key__startswith="mail_address").delete()
        with statements() as seen:
            answer = Api().register(username, address)
        kinds = [text.lstrip("(").split(" ")[0] for text in seen]
        # The first of all made the row that counts where it came from, before anything was looked for.
        costs.append((answer.response.content, kinds[kinds.index("SELECT") :], count_queued_mails() - before))
    assert costs[0] == costs[1]


@pytest.mark.usefixtures("verification_required")
def test_s15_free_email_gets_a_link_and_a_used_one_a_notice(api: Api) -> None:
    assert set(api.register("alice").data["register"].values()) == {None}
    user = User.objects.get()
    assert (user.email, user.is_email_verified) == (ADDRESS, False)
    assert user.erases_at - timezone.now() > timedelta(days=13)
    assert not Session.objects.exists()
    assert api.sign_in("alice").code == "EMAIL_NOT_VERIFIED"
    assert "errors" not in verify_email(last_mail_to(ADDRESS).token).json
    assert User.objects.get().erases_at is None
    assert "errors" not in api.sign_in(ADDRESS).json

    api.register("mallory", "Alice@Example.com", NEW_PASSWORD)
    assert last_mail_to(ADDRESS).subject == "You already have an account"
    assert mails_to("Alice@Example.com") == []
    stand_in = User.objects.get(username="mallory")
    assert stand_in.email == normalization.UNUSABLE_EMAIL
    assert api.sign_in("mallory", NEW_PASSWORD).code == "EMAIL_NOT_VERIFIED"
    event = Event.objects.get(kind="registration.repeated")
    assert event.user.username == "alice", "its owner can read of it"
    assert [message.to for message in outgoing.outbox if "invalid" in str(message.to)] == []


@pytest.mark.usefixtures("verification_required")
@pytest.mark.parametrize("mode", ["optional", "off"])
def test_s15_a_stand_in_is_nobodys_also_where_proof_is_no_longer_required(api: Api, settings: Any, mode: str) -> None:
    api.register("alice")
    assert "errors" not in verify_email(last_mail_to(ADDRESS).token).json
    api.register("mallory", ADDRESS, NEW_PASSWORD)
    settings.GATEWAY_EMAIL_VERIFICATION = mode
    assert api.sign_in("mallory", NEW_PASSWORD).code == "EMAIL_NOT_VERIFIED"
    assert not Session.objects.exists()
    assert "errors" not in api.sign_in("alice").json


@pytest.mark.usefixtures("verification_required")
def test_unverified_email_is_no_login_and_its_attempts_are_counted(api: Api) -> None:
    api.register("alice")
    codes = [api.sign_in(ADDRESS).code for _ in range(12)]
    assert codes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 2


@pytest.mark.usefixtures("verification_required")
def test_s97_registrations_of_one_email_send_five_mails_an_hour_and_block_no_user(api: Api) -> None:
    for number in range(7):
        assert "errors" not in api.register(f"user{number}", ADDRESS).json
    assert count_queued_mails() == 5
    assert "errors" not in request_mail("verify").json


@pytest.mark.usefixtures("verification_required")
@pytest.mark.django_db(transaction=True)
def test_s15_six_concurrent_registrations_of_one_email_have_the_same_answer(
    run_concurrently: Callable[..., list[Answer]], long_queue: None, settings: Any
) -> None:
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"mail_address": [(9, timedelta(hours=1))]}
    answers = run_concurrently([lambda number=number: Api().register(f"user{number}", ADDRESS) for number in range(6)])
    assert len({answer.response.content for answer in answers}) == 1
    assert "errors" not in answers[0].json
    assert User.objects.filter(email=ADDRESS, is_email_verified=False).count() == 6


def register(api: Api, **arguments: Any) -> Answer:
    return api.register(**{"username": "alice", "email": "alice@example.com", "password": PASSWORD, **arguments})
