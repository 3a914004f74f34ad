"""Sign-in with a password."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_in
from django.utils import timezone

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, Member, decode
from tests.mail_flows import verified_member, verify_email
from tests.mailbox import last_mail_to
from users.caller import Caller
from users.models import Event, Session, User
from users.passwords import verification
from users.sign_in import password

RACES = pytest.mark.django_db(transaction=True)


@RACES
def test_s64_sign_in_with_the_old_password_does_not_survive_a_change(
    run_concurrently: Callable[..., list[Answer]],
) -> None:
    alice = Api().new_member("alice")
    ended, *answers = run_concurrently([lambda: change(alice, NEW_PASSWORD), *[lambda: Api().sign_in("alice")] * 8])
    assert "errors" not in ended.json
    for answer in answers:
        if "errors" in answer.json:
            assert answer.code == "INVALID_CREDENTIALS"
        else:
            assert Api().me(answer.data["tokenAuth"]["token"]).code == "UNAUTHENTICATED"
    assert len(alice("{ me { sessions { id } } }").data["me"]["sessions"]) == 1


@pytest.mark.parametrize("change", [{"credential_version": 7}, {"is_active": False}])
def test_sign_in_checked_before_a_change_opens_no_session_after_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    api.new_member("alice")
    judge = verification.is_correct
    monkeypatch.setattr(
        verification,
        "is_correct",
        lambda *asked, **named: (judge(*asked, **named), User.objects.update(**change))[0],
    )
    assert api.sign_in("alice").code == "INVALID_CREDENTIALS"
    assert Session.objects.count() == 1
    assert User.objects.get().last_login is None


def test_an_address_is_not_looked_for_among_the_names(api: Api) -> None:
    api.new_member("alice")
    User.objects.update(email="alice@example.com")
    User.objects.create_user("bob", "bob@example.com", PASSWORD)
    assert password.sign_in(Caller(), username="bob@example.com", password=PASSWORD).user.username == "bob"


def change(member: Member, new: str) -> Answer:
    return Api().change_password(member.token, PASSWORD, new)


PAIRS = ["admin", "root", "test", "user", "guest", "administrator", "superuser", "gateway"]


@pytest.mark.parametrize("name", ["alice", "ALICE", "\uff41lice", "alice@example.com", "ALICE@Example.Com"])
def test_signing_in_by_either_name_opens_a_session_and_is_recorded(api: Api, name: str) -> None:
    api.new_member("alice")
    grant = api.sign_in(name, User_Agent="Browser/1").data["tokenAuth"]
    user, session = User.objects.get(), Session.objects.latest("created_at")
    assert grant["claims"]["sid"] == str(session.id)
    assert (session.user_agent, session.ip_address, session.device_name) == ("Browser/1", "127.0.0.1", "")
    assert user.last_login is not None
    assert timezone.now() - user.last_login < timedelta(minutes=1)
    event = Event.objects.get(kind="session.opened")
    assert (event.user, event.session_id, event.user_agent) == (user, session.id, "Browser/1")


def test_signing_in_tells_djangos_signal_once_and_writes_the_moment_once(api: Api) -> None:
    api.new_member("alice")
    seen: list[Any] = []

    def see(sender: Any, user: User, **_: Any) -> None:
        seen.append((user.username, user.last_login))

    user_logged_in.connect(see)
    try:
        api.sign_in_member("alice")
        assert api.sign_in("alice", "wrong").code == "INVALID_CREDENTIALS"
    finally:
        user_logged_in.disconnect(see)
    assert seen == [("alice", User.objects.get().last_login)]


def test_s18_all_refusals_have_the_same_answer(api: Api) -> None:
    for name in ("alice", "disabled", "unusable"):
        api.new_member(name)
    User.objects.filter(username="disabled").update(is_active=False)
    User.objects.filter(username="unusable").update(password="!")
    answers = [
        api.sign_in("alice", "wrong"),
        api.sign_in("alice", ""),
        api.sign_in("alice", PASSWORD * 100),
        api.sign_in("nobody"),
        api.sign_in("nobody@example.com"),
        api.sign_in("no body"),
        api.sign_in(""),
        api.sign_in("disabled"),
        api.sign_in("disabled", "wrong"),
        api.sign_in("unusable"),
    ]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.response.content for answer in answers}) == 1
    assert answers[0].code == "INVALID_CREDENTIALS"
    named = [set(answer.response.headers) for answer in answers]
    assert all(each == named[0] for each in named)


def test_a_refused_sign_in_is_recorded_without_what_was_typed(api: Api) -> None:
    api.new_member("alice")
    api.sign_in("alice", "guess one")
    api.sign_in("my secret password", "guess two")
    known, unknown = Event.objects.filter(kind="sign_in.refused").order_by("at")
    assert (known.user.username, known.ip_address, known.facts) == ("alice", "127.0.0.1", {})
    assert (unknown.user, unknown.facts) == (None, {})
    assert Session.objects.count() == 1
    assert User.objects.get().last_login is None


@pytest.mark.parametrize("device", ["a" * 101, "a\nb"])
def test_invalid_device_name_is_refused(api: Api, device: str) -> None:
    api.new_member("alice")
    document = "mutation ($p: String!, $d: String) { tokenAuth(username: %s, password: $p, deviceName: $d) { token } }"
    answer = api(document % '"alice"', {"p": PASSWORD, "d": device})
    assert {field for field, _ in answer.field_errors} == {"deviceName"}
    assert Session.objects.count() == 1


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("password", ["{name}", "password", "admin", ""])
def test_s31_new_gateway_has_no_default_account(api: Api, name: str, password: str) -> None:
    assert not User.objects.exists()
    assert api.sign_in(name, password.format(name=name)).code == "INVALID_CREDENTIALS"


def test_s32_every_sign_in_is_another_session(api: Api) -> None:
    members = [api.new_member("alice"), api.sign_in_member("alice"), api.sign_in_member("alice")]
    claims = [decode(member.token) for member in members]
    for name in ("sid", "jti"):
        assert len({each[name] for each in claims}) == 3
    assert len({member.token for member in members} | {member.refresh_token for member in members}) == 6
    assert len({each["sub"] for each in claims}) == 1


def test_a_sign_in_costs_few_statements_and_two_for_the_count(api: Api, statements: Callable[[], Any]) -> None:
    api.new_member("alice")
    api.sign_in_member("alice")
    with statements() as seen:
        assert "errors" not in api.sign_in("alice").json
    counting = [text for text in seen if "users_attempts" in text]
    assert (len(seen) - len(counting), len(counting)) == (5, 2)


def test_a_sign_in_from_a_new_place_costs_one_more_at_most_for_the_letter(
    api: Api, statements: Callable[[], Any]
) -> None:
    verified_member()
    api.sign_in_member("alice")
    Session.objects.update(ip_address="192.0.2.1")
    with statements() as seen:
        assert "errors" not in api.sign_in("alice").json
    counting = [text for text in seen if "users_attempts" in text]
    assert (len(seen) - len(counting), len(counting)) == (6, 2)


@pytest.mark.parametrize("how", ["required", "optional", "off"])
@pytest.mark.parametrize("name", ["alice", "alice@example.com"])
def test_unverified_email_cannot_sign_in_if_verification_is_required(
    api: Api, settings: Any, how: str, name: str
) -> None:
    api.new_member("alice")
    settings.GATEWAY_EMAIL_VERIFICATION = how
    answer = api.sign_in(name)
    if how != "required":
        assert "errors" not in answer.json
        return
    assert answer.code == ("INVALID_CREDENTIALS" if "@" in name else "EMAIL_NOT_VERIFIED")
    assert api.sign_in(name, "wrong").code == "INVALID_CREDENTIALS"
    assert Session.objects.count() == 1
    assert User.objects.get().last_login is None
    assert "errors" not in verify_email(last_mail_to("alice@example.com").token).json
    api.sign_in_member(name)
