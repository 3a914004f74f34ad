"""The admin: users are seen, searched, edited and signed out; secrets are nowhere on its pages."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from tests import mailbox
from tests.api import NEW_PASSWORD, PASSWORD, Api, Member
from users.accounts import deletion
from users.admin.site import site
from users.models import Attempts, EmailToken, Event, Session, SigningKey, User
from users.passwords import hashing

USERS, SESSIONS, EVENTS = "/admin/users/user/", "/admin/users/session/", "/admin/users/event/"


@pytest.fixture
def alice(api: Api) -> Member:
    return api.new_member("alice", fullName="Alice Thornby", deviceName="laptop")


@pytest.fixture
def desk(alice: Member) -> Client:
    """The admin, signed in to by a superuser."""
    User.objects.create_superuser("root", "root@example.com", PASSWORD)
    client = Client()
    answer = client.post("/admin/login/?next=/admin/", {"username": "root", "password": PASSWORD})
    assert answer.status_code == 302
    return client


def page_of(alice: Member) -> str:
    return f"{USERS}{alice.claims['sub']}/change/"


def form_of(answer: HttpResponse, **changes: Any) -> dict[str, Any]:
    """Return the values that a browser sends for a page's form, with changes."""
    form = answer.context["adminform"].form
    inlines = answer.context["inline_admin_formsets"]
    data = {bound.html_name: bound.value() for bound in form if bound.value() is not None}
    for each in inlines:
        management = each.formset.management_form
        data |= {bound.html_name: bound.value() for bound in management}
    return {name: value for name, value in (data | changes).items() if value is not False and name != "password"}


def test_a_sign_in_to_the_admin_keeps_the_moment(desk: Client) -> None:
    assert User.objects.get(username="root").last_login is not None
    assert User.objects.get(username="alice").last_login is None


@pytest.mark.parametrize("name", ["ROOT", "root@EXAMPLE.com"])
def test_the_admin_is_entered_by_either_name(desk: Client, name: str) -> None:
    answer = Client().post("/admin/login/", {"username": name, "password": PASSWORD, "next": "/admin/"})
    assert answer.status_code == 302


def test_only_staff_can_enter(desk: Client, alice: Member) -> None:
    client = Client()
    assert client.get(USERS).status_code == 302
    assert client.post("/admin/login/", {"username": "alice", "password": PASSWORD}).status_code == 200
    assert client.get(page_of(alice)).status_code == 302


@pytest.mark.parametrize(
    ("search", "found"), [("alice", True), ("ALICE@ex", True), ("Thornby", True), ("nobody", False), ("", True)]
)
def test_users_are_listed_and_searched(desk: Client, search: str, found: bool) -> None:
    answer = desk.get(USERS, {"q": search})
    assert answer.status_code == 200
    assert ("alice@example.com" in answer.text) == found


@pytest.mark.parametrize("search", ["alice", "laptop", "127.0.0.1"])
def test_sessions_and_events_are_listed_and_searched(desk: Client, search: str) -> None:
    # The superuser's own sign-in came from this address too.
    sessions = {"alice": 1, "laptop": 1, "127.0.0.1": 2}
    assert desk.get(SESSIONS, {"q": search}).context["cl"].result_count == sessions[search]
    events = {"alice": 1, "laptop": 0, "127.0.0.1": 2}
    assert desk.get(EVENTS, {"q": search}).context["cl"].result_count == events[search]
    assert desk.get(EVENTS, {"q": "nobody"}).context["cl"].result_count == 0


@pytest.mark.parametrize("ended", [0, 1])
def test_live_and_ended_sessions_differ(desk: Client, ended: int) -> None:
    assert ("laptop" in desk.get(SESSIONS, {"ended_at__isempty": 1 - ended}).text) == (not ended)


def test_no_page_shows_a_secret(desk: Client, alice: Member) -> None:
    alice.api.refresh(alice.refresh_token)
    user, session = User.objects.get(username="alice"), Session.objects.get(device_name="laptop")
    event = Event.objects.first()
    salt, digest = user.password.split("$")[-2:]
    secrets = [session.current, session.previous, str(session.selector), session.selector.hex, salt[:6], digest[:6]]
    for address in (
        "/admin/",
        USERS,
        page_of(alice),
        f"{USERS}{user.id}/password/",
        f"{USERS}{user.id}/history/",
        SESSIONS,
        f"{SESSIONS}{session.id}/change/",
        EVENTS,
        f"{EVENTS}{event.id}/change/",
    ):
        answer = desk.get(address)
        assert answer.status_code == 200, address
        assert [secret for secret in secrets if secret in answer.text] == [], address
    assert "laptop" in desk.get(page_of(alice)).text
    assert "../password/" in desk.get(page_of(alice)).text


def test_keys_and_attempts_are_not_in_the_admin() -> None:
    assert [site.is_registered(model) for model in (User, Session, Event)] == [True] * 3
    assert [site.is_registered(model) for model in (SigningKey, Attempts, EmailToken, DBTaskResult)] == [False] * 4


@pytest.mark.parametrize(("typed", "kept"), [("bob", "bob"), ("\uff42ob", "bob")])
def test_a_user_is_added_under_a_clean_name(desk: Client, api: Api, typed: str, kept: str) -> None:
    passwords = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    answer = desk.post(f"{USERS}add/", {"username": typed, "email": "bob@example.com", **passwords})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert User.objects.get(email="bob@example.com").username == kept
    api.sign_in_member(kept)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "b\u043eb"}, "username"),
        ({"username": "bob bob"}, "username"),
        ({"username": "ALICE"}, "username"),
        ({"email": "ALICE@example.com"}, "email"),
        ({"email": '"a b"@example.com'}, "email"),
        ({"password2": NEW_PASSWORD}, "password2"),
        ({"password1": "password1", "password2": "password1"}, "password2"),
    ],
)
def test_invalid_user_is_not_added(desk: Client, changes: dict[str, str], field: str) -> None:
    User.objects.update(is_email_verified=True)
    form = {"username": "bob", "email": "bob@example.com", "usable_password": "true"}
    answer = desk.post(f"{USERS}add/", form | {"password1": PASSWORD, "password2": PASSWORD} | changes)
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == {field}
    assert User.objects.count() == 2


def test_a_user_is_edited_and_nothing_else_is_touched(desk: Client, alice: Member) -> None:
    before = User.objects.get(username="alice")
    address = page_of(alice)
    answer = desk.post(address, form_of(desk.get(address), username="\uff34hornby", bio="edited"))
    assert answer.status_code == 302, answer.context["errors"]
    after = User.objects.get(id=before.id)
    assert (after.username, after.bio, after.email) == ("Thornby", "edited", "alice@example.com")
    assert (after.password, after.credential_version, after.is_active) == (before.password, 0, True)
    assert "errors" not in alice("{ me { id } }").json


@pytest.mark.parametrize(
    "changes", [{"username": "ROOT"}, {"username": "a b"}, {"email": "ROOT@example.com"}, {"email": "nothing"}]
)
def test_invalid_edit_changes_nothing(desk: Client, alice: Member, changes: dict[str, str]) -> None:
    User.objects.update(is_email_verified=True)
    address = page_of(alice)
    answer = desk.post(address, form_of(desk.get(address), bio="edited", **changes))
    assert answer.status_code == 200
    assert User.objects.get(username="alice").bio == ""


def test_an_edit_brings_no_replaced_password_back(desk: Client, alice: Member, monkeypatch: Any) -> None:
    address = page_of(alice)
    data = form_of(desk.get(address), bio="edited")
    model_admin = site.get_model_admin(User)
    save = model_admin.save_model

    def change_first(*asked: Any) -> None:
        assert "errors" not in alice.api.change_password(alice.token).json
        save(*asked)

    monkeypatch.setattr(model_admin, "save_model", change_first)
    assert desk.post(address, data).status_code == 302
    user = User.objects.get(username="alice")
    assert (user.bio, user.credential_version, user.check_password(NEW_PASSWORD)) == ("edited", 1, True)


def test_s46_who_is_deactivated_in_the_admin_is_out_at_once(desk: Client, alice: Member) -> None:
    address = page_of(alice)
    assert desk.post(address, form_of(desk.get(address), is_active=False)).status_code == 302
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"
    assert alice.api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    assert desk.post(address, form_of(desk.get(address), is_active=True)).status_code == 302
    assert alice("{ me { id } }").code == "UNAUTHENTICATED", "who is let in again signs in again"


def test_s20_s89_the_admins_own_sign_in_is_limited_and_recorded(desk: Client) -> None:
    def sign_in(password: str) -> HttpResponse:
        return Client().post("/admin/login/", {"username": "root", "password": password, "next": "/admin/"})

    answers = [sign_in("wrong") for _ in range(11)]
    assert "Too many attempts" not in answers[0].text
    assert "Too many attempts" in answers[-1].text
    assert sign_in(PASSWORD).status_code == 200
    told = list(Event.objects.filter(user__username="root").order_by("at").values_list("kind", flat=True))
    assert told == ["session.opened", *["sign_in.refused"] * 10, "attempts.throttled"]


def test_s96_the_admins_own_sign_in_is_hashed_in_the_pool(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing.pool, "capacity", 0)
    answer = Client().post("/admin/login/", {"username": "root", "password": PASSWORD, "next": "/admin/"})
    assert "The gateway is busy" in answer.text


def test_s60_s61_a_password_set_in_the_admin_ends_all_sessions(desk: Client, alice: Member) -> None:
    form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    answer = desk.post(f"{USERS}{alice.claims['sub']}/password/", form)
    assert answer.status_code == 302
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"
    assert alice.api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    assert alice.api.sign_in("alice").code == "INVALID_CREDENTIALS"
    alice.api.sign_in_member("alice", NEW_PASSWORD)


@pytest.mark.parametrize(("address", "action", "ended"), [(USERS, "end_sessions_of", 2), (SESSIONS, "end_sessions", 1)])
def test_sessions_are_ended_by_an_action(
    desk: Client, api: Api, alice: Member, address: str, action: str, ended: int
) -> None:
    other, bob = api.sign_in_member("alice"), api.new_member("bob")
    selected = alice.claims["sub" if address == USERS else "sid"]
    data = {"action": action, "_selected_action": [selected]}
    assert f"{ended} sessions ended." in desk.post(address, data, follow=True).text
    assert "0 sessions ended." in desk.post(address, data, follow=True).text
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"
    assert ("errors" in other("{ me { id } }").json) == (ended == 2)
    assert "errors" not in bob("{ me { id } }").json


@pytest.mark.parametrize("model", [Session, Event])
def test_what_happened_is_not_rewritten(desk: Client, model: Any) -> None:
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="root")
    shown = site.get_model_admin(model)
    assert not shown.has_add_permission(request)
    assert not shown.has_change_permission(request)
    assert not shown.has_delete_permission(request)
    address = f"/admin/users/{model.__name__.lower()}/{model.objects.first().id}/"
    assert desk.post(f"{address}change/", {"device_name": "x"}).status_code == 403
    assert desk.post(f"{address}delete/", {"post": "yes"}).status_code == 403


def test_the_sessions_beside_a_user_are_only_shown(desk: Client, alice: Member) -> None:
    page = desk.get(page_of(alice)).text
    assert re.search(r'name="sessions-\d+-(device_name|ended_at|DELETE)', page) is None
    assert "laptop" not in desk.get(f"{USERS}add/").text


def test_a_user_is_deleted_with_sessions_and_events(desk: Client, alice: Member) -> None:
    answer = desk.post(f"{USERS}{alice.claims['sub']}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    assert not User.objects.filter(username="alice").exists()
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"


# --- what the staff did is recorded ----------------------------------------------------------------


def administered() -> list[dict[str, Any]]:
    """The facts of what the staff did, and whose page shows it."""
    found = Event.objects.filter(kind="account.administered").select_related("user").order_by("at")
    return [event.facts | {"user": event.user.username if event.user else None} for event in found]


def told(user: str | None, what: str, *fields: str, **facts: str) -> dict[str, Any]:
    root = User.objects.get(username="root")
    return {"by": str(root.id), "what": what, "fields": [*fields], "user": user, **facts}


def test_s89_the_staff_s_changes_are_recorded_by_the_names_of_the_fields(desk: Client, alice: Member) -> None:
    address = page_of(alice)
    desk.post(address, form_of(desk.get(address), bio="a secret of alice", is_staff="on"))
    form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    desk.post(f"{USERS}{alice.claims['sub']}/password/", form)
    assert administered() == [
        told("alice", "changed", "bio", "is_staff"),
        told("alice", "changed", "password"),
    ]


def test_s89_an_account_made_or_deleted_by_the_staff_is_recorded(desk: Client, alice: Member) -> None:
    passwords = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    desk.post(f"{USERS}add/", {"username": "bob", "email": "bob@example.com", **passwords})
    bob = str(User.objects.get(username="bob").id)
    assert administered() == [told("bob", "added", "email", "username")]
    chosen = {"action": "delete_selected", "_selected_action": [bob, alice.claims["sub"]], "post": "yes"}
    desk.post(USERS, chosen)
    deleted = [told(None, "deleted", account=account) for account in (bob, alice.claims["sub"])]
    assert sorted(administered(), key=str) == sorted(deleted, key=str), "the events of the accounts went with them"


def test_unchanged_and_invalid_forms_change_nothing(desk: Client, alice: Member) -> None:
    address = page_of(alice)
    assert desk.post(address, form_of(desk.get(address))).status_code == 302
    assert desk.post(address, form_of(desk.get(address), email="nothing")).status_code == 200
    assert administered() == []


def test_s89_what_the_staff_did_is_recorded_with_the_place_and_the_program(
    desk: Client, alice: Member, settings: Any
) -> None:
    settings.GATEWAY_TRUSTED_PROXIES = 1
    address, data = page_of(alice), form_of(desk.get(page_of(alice)), bio="edited")
    headers = {"X-Forwarded-For": "203.0.113.66, 198.51.100.7", "User-Agent": "Desk/1\x1b[2J"}
    assert desk.post(address, data, headers=headers).status_code == 302
    event = Event.objects.get(kind="account.administered")
    assert (event.ip_address, event.user_agent) == ("198.51.100.7", "Desk/1[2J")


@pytest.mark.parametrize(("address", "action"), [(USERS, "end_sessions_of"), (SESSIONS, "end_sessions")])
def test_s89_sessions_ended_by_the_staff_are_recorded_once_for_each_user(
    desk: Client, api: Api, alice: Member, address: str, action: str
) -> None:
    members = [alice, api.sign_in_member("alice"), api.new_member("bob")]
    api.new_member("carol")
    selected = {each.claims["sub" if address == USERS else "sid"] for each in members}
    data = {"action": action, "_selected_action": [*selected]}
    for _ in range(2):
        desk.post(address, data)
    found = Event.objects.filter(kind="session.ended").order_by("user__username")
    by = str(User.objects.get(username="root").id)
    assert [(event.user.username, event.facts) for event in found] == [
        ("alice", {"reason": "ended by the staff", "ended": 2, "by": by}),
        ("bob", {"reason": "ended by the staff", "ended": 1, "by": by}),
    ]
    assert {event.ip_address for event in found} == {"127.0.0.1"}


def test_ending_sessions_locks_the_user_first(desk: Client, alice: Member, statements: Callable[[], Any]) -> None:
    with statements() as seen:
        desk.post(SESSIONS, {"action": "end_sessions", "_selected_action": [alice.claims["sid"]]})
    ending = next(place for place, text in enumerate(seen) if text.startswith("UPDATE") and "users_session" in text)
    before = seen[ending - 1]
    assert "users_user" in before
    assert "users_session" not in before
    assert connection.vendor == "sqlite" or before.endswith("FOR UPDATE")


def test_owners_read_that_the_staff_changed_their_account(desk: Client, alice: Member) -> None:
    address = page_of(alice)
    desk.post(address, form_of(desk.get(address), bio="edited"))
    edges = alice("{ me { events { edges { node { kind } } } } }").data["me"]["events"]["edges"]
    assert [edge["node"]["kind"] for edge in edges] == ["ACCOUNT_ADMINISTERED", "ACCOUNT_REGISTERED"]


def test_events_are_filtered_by_kind(desk: Client, alice: Member) -> None:
    address = page_of(alice)
    desk.post(address, form_of(desk.get(address), bio="edited"))
    assert desk.get(EVENTS, {"kind": "account.administered"}).context["cl"].result_count == 1


# --- what staff who are not superusers may do ------------------------------------------------------


@pytest.fixture
def clerk(desk: Client) -> Client:
    """The admin, signed in to by a staff member with every permission and without the superuser flag."""
    user = User.objects.create_user("clerk", "clerk@example.com", PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    client = Client()
    assert client.post("/admin/login/", {"username": "clerk", "password": PASSWORD}).status_code == 302
    return client


PRIVILEGES = {"is_staff": "on", "is_superuser": "on", "groups": ["1"], "user_permissions": ["1"]}


def test_s98_staff_edit_users_and_never_privileges(clerk: Client, alice: Member) -> None:
    Group.objects.create(id=1, name="editors")
    address = page_of(alice)
    data = form_of(clerk.get(address), bio="edited")
    assert clerk.post(address, data | PRIVILEGES).status_code == 302
    user = User.objects.get(username="alice")
    assert (user.bio, user.is_staff, user.is_superuser) == ("edited", False, False)
    assert not user.groups.exists()
    assert not user.user_permissions.exists()


@pytest.mark.parametrize("username", ["root", "clerk", "other"])
def test_s98_staff_never_change_an_account_of_staff(clerk: Client, api: Api, username: str) -> None:
    User.objects.create_user("other", "other@example.com", PASSWORD, is_staff=True)
    user = User.objects.get(username=username)
    before = User.objects.filter(id=user.id).values().get()
    member = api.sign_in_member(username)
    address = f"{USERS}{user.id}"
    assert clerk.post(f"{address}/change/", {"username": "taken", "email": "thief@example.com"}).status_code == 403
    assert clerk.post(f"{address}/delete/", {"post": "yes"}).status_code == 403
    password = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    # The own password has a page of its own, which asks for the old one.
    assert clerk.post(f"{address}/password/", password).status_code == (302 if username == "clerk" else 403)
    for action in ("end_sessions_of", "delete_selected"):
        clerk.post(USERS, {"action": action, "_selected_action": [user.id], "post": "yes"})
    clerk.post(SESSIONS, {"action": "end_sessions", "_selected_action": [member.claims["sid"]]})
    after = User.objects.filter(id=user.id).values().get()
    assert {**after, "last_login": None} == {**before, "last_login": None}
    assert "errors" not in member("{ me { id } }").json


def test_s98_staff_never_change_groups(clerk: Client) -> None:
    group = Group.objects.create(name="editors")
    assert clerk.post("/admin/auth/group/add/", {"name": "mine"}).status_code == 403
    assert clerk.post(f"/admin/auth/group/{group.id}/change/", {"name": "mine"}).status_code == 403
    assert clerk.post(f"/admin/auth/group/{group.id}/delete/", {"post": "yes"}).status_code == 403
    assert list(Group.objects.values_list("name", flat=True)) == ["editors"]


def test_superusers_change_privileges_and_groups(desk: Client, alice: Member) -> None:
    assert desk.post("/admin/auth/group/add/", {"name": "editors"}).status_code == 302
    address, group = page_of(alice), Group.objects.get()
    assert desk.post(address, form_of(desk.get(address), is_staff="on", groups=[group.id])).status_code == 302
    user = User.objects.get(username="alice")
    assert (user.is_staff, user.roles()) == (True, ["editors"])


@pytest.mark.parametrize(
    ("address", "action", "needed"),
    [(USERS, "end_sessions_of", "change_user"), (SESSIONS, "end_sessions", "change_session")],
)
def test_s98_an_action_needs_its_permission(
    clerk: Client, alice: Member, address: str, action: str, needed: str
) -> None:
    user = User.objects.get(username="clerk")
    data = {"action": action, "_selected_action": [alice.claims["sub" if address == USERS else "sid"]]}
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "view_session"]))
    assert action not in clerk.get(address).text
    clerk.post(address, data)
    assert "errors" not in alice("{ me { id } }").json
    user.user_permissions.add(Permission.objects.get(codename=needed))
    clerk.post(address, data)
    assert alice("{ me { id } }").code == "UNAUTHENTICATED"


# --- accounts that staff confirm stay --------------------------------------------------------------


@pytest.mark.parametrize("field", ["is_email_verified", "is_active"])
def test_s98_an_account_that_staff_confirm_is_not_erased(desk: Client, alice: Member, field: str) -> None:
    due = timezone.now() - timedelta(days=1)
    User.objects.filter(username="alice").update(erases_at=due, **{field: False})
    address = page_of(alice)
    assert desk.post(address, form_of(desk.get(address), **{field: "on"})).status_code == 302
    assert User.objects.get(username="alice").erases_at is None
    assert deletion.prune() == 0


def test_another_edit_leaves_the_date_of_erasure(desk: Client, alice: Member) -> None:
    due = timezone.now() + timedelta(days=1)
    User.objects.filter(username="alice").update(erases_at=due, is_email_verified=True)
    address = page_of(alice)
    assert desk.post(address, form_of(desk.get(address), bio="edited")).status_code == 302
    assert User.objects.get(username="alice").erases_at == due


# --- events for people -----------------------------------------------------------------------------


def test_a_password_set_by_staff_is_mailed_to_its_user(desk: Client, alice: Member) -> None:
    form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    assert desk.post(f"{USERS}{alice.claims['sub']}/password/", form).status_code == 302
    assert mailbox.last_mail_to("alice@example.com").subject == "Your password was changed"


def test_events_show_their_kind_and_facts_in_words(desk: Client, alice: Member) -> None:
    address = page_of(alice)
    desk.post(address, form_of(desk.get(address), bio="edited", full_name="Alice"))
    page = desk.get(EVENTS).text
    assert "Account administered" in page
    assert "<b>bio, full_name</b>" in page
    event = Event.objects.get(kind="account.administered")
    Event.objects.filter(id=event.id).update(kind="kind.of_a_later_release", facts={"a<b": "<i>"})
    page = desk.get(f"{EVENTS}{event.id}/change/").text
    assert "Kind of a later release" in page
    assert "a&lt;b: <b>&lt;i&gt;</b>" in page


def test_lists_have_pages(desk: Client) -> None:
    users = [User(username=f"user{number}", email=f"user{number}@example.com") for number in range(60)]
    User.objects.bulk_create(users)
    assert len(desk.get(USERS).context["cl"].result_list) == 50
    assert len(desk.get(USERS, {"p": 2}).context["cl"].result_list) == 12
