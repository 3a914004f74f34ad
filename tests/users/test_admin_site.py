"""The admin's sign-in, sessions and password page follow the gateway's rules."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from tests import mailbox
from tests.api import NEW_PASSWORD, PASSWORD, Api, Member
from users.models import Event, Session, User

LOGIN, USERS, PASSWORD_PAGE = "/admin/login/", "/admin/users/user/", "/admin/password_change/"
WRONG = "Enter the username and password of a staff account."
CHANGE = "mutation ($o: String!, $n: String!) { changePassword(oldPassword: $o, newPassword: $n) { endedSessions } }"
DELETE = "mutation ($p: String!) { deleteAccount(password: $p) { __typename } }"


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.com", PASSWORD)


@pytest.fixture
def desk(root: User) -> Client:
    """A browser that has signed in to the admin."""
    client = Client()
    assert sign_in(client).status_code == 302
    return client


def sign_in(client: Client, username: str = "root", password: str = PASSWORD) -> Any:
    return client.post(f"{LOGIN}?next=/admin/", {"username": username, "password": password})


def is_in(client: Client) -> bool:
    return client.get(USERS).status_code == 200


def kinds(user: str = "root") -> list[str]:
    return list(Event.objects.filter(user__username=user).order_by("at").values_list("kind", flat=True))


# --- sign-in -------------------------------------------------------------------------------------


def test_s98_a_sign_in_opens_a_session_that_its_user_sees(desk: Client, api: Api) -> None:
    session = Session.objects.get()
    assert (session.device_name, session.user.username, session.ip_address) == ("Django admin", "root", "127.0.0.1")
    member = api.sign_in_member("root")
    names = [each["deviceName"] for each in member("{ me { sessions { deviceName } } }").data["me"]["sessions"]]
    assert "Django admin" in names


def test_s98_a_sign_in_from_a_new_address_is_mailed(desk: Client) -> None:
    Client(REMOTE_ADDR="203.0.113.9").post(LOGIN, {"username": "root", "password": PASSWORD})
    assert "203.0.113.9" in mailbox.last_mail_to("root@example.com").text


@pytest.mark.parametrize("password", [PASSWORD, NEW_PASSWORD])
def test_a_user_who_is_not_staff_gets_the_answer_to_a_wrong_password(api: Api, password: str) -> None:
    api.new_member("alice")
    client = Client()
    answer = sign_in(client, "alice", password)
    assert (answer.status_code, WRONG in answer.text) == (200, True)
    assert not is_in(client)
    assert not Session.objects.filter(device_name="Django admin", ended_at=None).exists()


@pytest.mark.parametrize(("username", "password"), [("", PASSWORD), ("root", ""), ("root\0", PASSWORD)])
def test_a_malformed_sign_in_is_refused(root: User, username: str, password: str) -> None:
    assert sign_in(Client(), username, password).status_code == 200


def test_a_superuser_of_the_console_signs_in_where_emails_must_be_verified(root: User, settings: Any) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "required"
    assert is_in_after(sign_in, Client())
    User.objects.update(is_email_verified=False)
    answer = sign_in(Client())
    assert "verif" in answer.text


def is_in_after(act: Callable[[Client], Any], client: Client) -> bool:
    act(client)
    return is_in(client)


# --- sessions end --------------------------------------------------------------------------------

ENDINGS: dict[str, Callable[[Member], Any]] = {
    "endAllSessions": lambda root: root("mutation { endAllSessions { endedSessions } }"),
    "endAllSessions but one": lambda root: root("mutation { endAllSessions(keepCurrent: true) { endedSessions } }"),
    "endSession": lambda root: root(
        "mutation ($id: ID!) { endSession(id: $id) { ended } }",
        id=str(Session.objects.get(device_name="Django admin").id),
    ),
    "changePassword": lambda root: root(CHANGE, o=PASSWORD, n=NEW_PASSWORD),
    "deleteAccount": lambda root: root(DELETE, p=PASSWORD),
    "end_sessions": lambda _: call_command("end_sessions", "root"),
    "end_sessions --all": lambda _: call_command("end_sessions", all=True),
    "expiry": lambda _: Session.objects.update(expires_at=timezone.now()),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_s98_what_ends_sessions_ends_the_admins(desk: Client, api: Api, ending: str) -> None:
    assert is_in(desk)
    answer = ENDINGS[ending](api.sign_in_member("root"))
    assert "errors" not in getattr(answer, "json", {}), answer.json
    assert not is_in(desk)
    assert desk.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"


def test_s98_a_cookie_from_a_restored_backup_opens_nothing(desk: Client) -> None:
    rows = list(Session.objects.all())
    call_command("end_sessions", all=True)
    assert not is_in(desk)
    Session.objects.all().delete()
    Session.objects.bulk_create(rows)
    assert is_in(desk), "the backup brings the session back"
    call_command("end_sessions", all=True)
    assert not is_in(desk)


def test_s98_a_cookie_kept_after_signing_out_opens_nothing(desk: Client) -> None:
    kept = desk.cookies["sessionid"].value
    assert desk.post("/admin/logout/").status_code == 200
    desk.cookies["sessionid"] = kept
    assert not is_in(desk)
    assert Session.objects.get().ended_at


def test_signing_out_needs_a_form(desk: Client) -> None:
    assert desk.get("/admin/logout/").status_code == 405
    assert is_in(desk)


def test_s98_a_session_of_another_user_opens_nothing(desk: Client, api: Api) -> None:
    member = api.new_member("alice")
    session = desk.session
    session["gateway_session"] = member.claims["sid"]
    session.save()
    desk.cookies["sessionid"] = session.session_key
    assert not is_in(desk)


@pytest.mark.parametrize("flag", ["is_staff", "is_active"])
def test_a_user_who_is_no_longer_staff_is_out_at_once(desk: Client, root: User, flag: str) -> None:
    User.objects.filter(id=root.id).update(**{flag: False})
    assert not is_in(desk)


# --- the own password ----------------------------------------------------------------------------


def change(client: Client, old: str = PASSWORD, new: str = NEW_PASSWORD, again: str = "") -> Any:
    data = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return client.post(PASSWORD_PAGE, data)


def test_s98_a_password_change_is_recorded_mailed_and_ends_other_sessions(desk: Client, api: Api, root: User) -> None:
    other, member = Client(), api.sign_in_member("root")
    sign_in(other)
    assert change(desk).status_code == 302
    assert is_in(desk), "the session of the change goes on"
    assert not is_in(other)
    assert member("{ me { id } }").code == "UNAUTHENTICATED"
    root.refresh_from_db()
    assert (root.check_password(NEW_PASSWORD), root.credential_version) == (True, 2)
    assert kinds()[-2:] == ["session.ended", "password.changed"]
    assert "Your password was changed" in [mail.subject for mail in mailbox.mails_to("root@example.com")]


def test_s98_guesses_at_the_own_password_are_throttled_and_recorded(desk: Client) -> None:
    answers = [change(desk, old="wrong") for _ in range(11)]
    assert "The password is wrong." in answers[0].text
    assert "Too many attempts" in answers[-1].text
    assert "Too many attempts" in change(desk).text, "the right one waits as well"
    assert kinds().count("password.refused") == 10
    assert kinds()[-1] == "attempts.throttled"
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize(
    ("new", "again", "words"),
    [
        ("password", "", "too common"),
        (NEW_PASSWORD, PASSWORD, "match"),
        (PASSWORD, "", "The new password is the same as the old one."),
    ],
)
def test_an_unfit_new_password_changes_nothing(desk: Client, new: str, again: str, words: str) -> None:
    answer = change(desk, new=new, again=again)
    assert (answer.status_code, words in answer.text) == (200, True)
    assert User.objects.get().check_password(PASSWORD)
    assert is_in(desk)


def test_s98_the_own_password_is_never_set_without_the_old_one(desk: Client, root: User) -> None:
    form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    # The admin takes every spelling of a UUID, and reads "_3A" as ":".
    ids = {str(root.id), root.id.hex, root.id.urn, root.id.urn.replace(":", "_3A")}
    for id in ids:
        assert desk.post(f"{USERS}{id}/password/", form).headers["Location"] == PASSWORD_PAGE
    assert User.objects.get().check_password(PASSWORD)
