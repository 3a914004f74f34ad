"""The admin asks for the second factor, and staff reset the factors of users who have lost them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from tests.api import NEW_PASSWORD, PASSWORD, Api, backdate
from tests.mail_flows import verified_member
from tests.mailbox import mails_to
from tests.second_factors import AuthenticatorApp, enable_totp
from users.models import Event, Session, Totp, User

pytestmark = pytest.mark.django_db
LOGIN, USERS, PASSWORD_PAGE = "/admin/login/", "/admin/users/user/", "/admin/password_change/"


@pytest.fixture
def app() -> AuthenticatorApp:
    """The app of a superuser."""
    User.objects.create_superuser("root", "root@example.com", PASSWORD)
    return enable_totp(Api().sign_in_member("root"))


def sign_in(client: Client, code: str = "", username: str = "root") -> str:
    answer = client.post(f"{LOGIN}?next=/admin/", {"username": username, "password": PASSWORD, "code": code})
    return "" if answer.status_code == 302 else answer.content.decode()


def is_in(client: Client) -> bool:
    return client.get(USERS).status_code == 200


def test_the_page_has_a_field_for_the_code(client: Client) -> None:
    page = client.get(LOGIN).content.decode()
    assert 'name="code"' in page
    assert 'autocomplete="one-time-code"' in page


def test_the_password_alone_is_not_enough(app: AuthenticatorApp, client: Client) -> None:
    before = Session.objects.count()
    assert "Use your second factor" in sign_in(client)
    assert not is_in(client)
    assert Session.objects.count() == before


@pytest.mark.parametrize("code", ["000000", "x", "BCDF-GHJK-MNPQ-RTVW"])
def test_a_wrong_code_is_not_enough(app: AuthenticatorApp, client: Client, code: str) -> None:
    assert "username and password of a staff account" in sign_in(client, code)
    assert not is_in(client)
    assert Event.objects.filter(kind="second_factor.refused").count() == 1


def test_a_code_of_the_app_or_a_recovery_code_signs_in(app: AuthenticatorApp) -> None:
    for code in (app.fresh_code(), app.recovery_codes[0]):
        client = Client()
        assert not sign_in(client, code)
        assert is_in(client)
    assert Session.objects.filter(device_name="Django admin", methods="password totp").exists()


def test_a_user_who_is_not_staff_is_refused_with_both_factors(client: Client) -> None:
    app = enable_totp(verified_member("alice"))
    assert "staff account" in sign_in(client, app.fresh_code(), "alice")
    assert not Session.objects.filter(device_name="Django admin", ended_at=None).exists()


@pytest.mark.parametrize("mode", ["staff", "required"])
def test_staff_without_two_factor_do_not_get_in_where_it_is_required(client: Client, settings: Any, mode: str) -> None:
    User.objects.create_superuser("root", "root@example.com", PASSWORD)
    assert not sign_in(client)
    assert is_in(client)
    settings.GATEWAY_TWO_FACTOR = mode
    assert not is_in(client)
    assert "two-factor authentication" in sign_in(Client())
    assert Session.objects.filter(device_name="Django admin", ended_at=None).count() == 1
    app = enable_totp(Api().sign_in_member("root"))
    fresh = Client()
    assert not sign_in(fresh, app.fresh_code())
    assert is_in(fresh)


def test_the_password_page_requires_a_recent_second_factor(app: AuthenticatorApp, client: Client) -> None:
    assert not sign_in(client, app.fresh_code())
    backdate(Session.objects.all(), timedelta(minutes=11), "created_at")
    Session.objects.update(reauthenticated_at=None)
    form = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert "Sign out and in again" in client.post(PASSWORD_PAGE, form).content.decode()
    backdate(Session.objects.all(), -timedelta(minutes=11), "created_at")
    assert client.post(PASSWORD_PAGE, form).status_code == 302


# --- resetting the factors of others -------------------------------------------------------------


def desk(*permissions: str, is_superuser: bool = False) -> Client:
    """A browser in which a staff member has signed in."""
    staff = User.objects.create_user("desk", "desk@example.com", PASSWORD, is_staff=True, is_superuser=is_superuser)
    staff.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    assert not sign_in(client, username="desk")
    return client


def reset(client: Client, user: User, **form: str) -> Any:
    return client.post(USERS, {"action": "reset_second_factors", "_selected_action": str(user.pk), **form})


def test_a_reset_asks_for_a_reason_and_records_it() -> None:
    app, client = enable_totp(verified_member("alice")), desk("view_user", "reset_second_factors")
    alice = User.objects.get(username="alice")
    page = reset(client, alice).content.decode()
    assert 'name="reason"' in page
    assert "alice@example.com" in page
    assert "This field is required" in reset(client, alice, reason=" ").content.decode()
    assert Totp.objects.exists()
    assert reset(client, alice, reason="ticket 7").status_code == 302
    assert not Totp.objects.exists()
    event = Event.objects.get(kind="second_factors.reset")
    staff = User.objects.get(username="desk")
    assert (event.user, event.facts) == (alice, {"reason": "ticket 7", "by": str(staff.pk)})
    assert not Session.objects.filter(user=alice, ended_at=None).exists()
    assert "Your second factors were removed" in [mail.subject for mail in mails_to("alice@example.com")]
    assert Api().sign_in("alice").data
    assert app.user == str(alice.pk)


@pytest.mark.parametrize("permissions", [("view_user",), ("view_user", "change_user", "delete_user")])
def test_a_reset_needs_its_own_permission(permissions: tuple[str, ...]) -> None:
    enable_totp(verified_member("alice"))
    client = desk(*permissions)
    reset(client, User.objects.get(username="alice"), reason="ticket 7")
    assert Totp.objects.exists()


def test_only_superusers_reset_the_factors_of_staff() -> None:
    enable_totp(verified_member("alice"))
    User.objects.filter(username="alice").update(is_staff=True)
    client = desk("view_user", "reset_second_factors")
    alice = User.objects.get(username="alice")
    reset(client, alice, reason="ticket 7")
    assert Totp.objects.exists()
    User.objects.filter(username="desk").update(is_superuser=True)
    reset(client, alice, reason="ticket 7")
    assert not Totp.objects.exists()


def test_no_page_of_the_admin_shows_a_secret(app: AuthenticatorApp, client: Client) -> None:
    assert not sign_in(client, app.fresh_code())
    root = User.objects.get(username="root")
    sealed, digest = Totp.objects.get().sealed, root.recovery_codes.first().digest
    pages = ["", "users/user/", f"users/user/{root.pk}/change/", f"users/user/{root.pk}/delete/", "users/event/"]
    for page in pages:
        text = client.get(f"/admin/{page}", follow=True).content.decode()
        assert not [secret for secret in (app.secret, sealed, digest, *app.recovery_codes) if secret in text]
