"""The admin asks for the second factor, and staff reset the factors of users who have lost them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.api import NEW_PASSWORD, PASSWORD, Api, age
from tests.mailed import proven
from tests.second_factors import App, enable
from users.models import Event, Session, User

pytestmark = pytest.mark.django_db
LOGIN, USERS, PASSWORD_PAGE = "/admin/login/", "/admin/users/user/", "/admin/password_change/"


@pytest.fixture
def app() -> App:
    """The app of a superuser."""
    User.objects.create_superuser("root", "root@example.com", PASSWORD)
    return enable(Api().signed_in("root"))


def sign_in(client: Client, code: str = "", username: str = "root") -> str:
    answer = client.post(f"{LOGIN}?next=/admin/", {"username": username, "password": PASSWORD, "code": code})
    return "" if answer.status_code == 302 else answer.content.decode()


def is_in(client: Client) -> bool:
    return client.get(USERS).status_code == 200


def test_the_page_has_a_field_for_the_code(client: Client) -> None:
    page = client.get(LOGIN).content.decode()
    assert 'name="code"' in page
    assert 'autocomplete="one-time-code"' in page


def test_the_password_alone_is_not_enough(app: App, client: Client) -> None:
    before = Session.objects.count()
    assert "Enter a code" in sign_in(client)
    assert not is_in(client)
    assert Session.objects.count() == before


@pytest.mark.parametrize("code", ["000000", "x", "BCDF-GHJK-MNPQ-RTVW"])
def test_a_wrong_code_is_not_enough(app: App, client: Client, code: str) -> None:
    assert "username and password of a staff account" in sign_in(client, code)
    assert not is_in(client)
    assert Event.objects.filter(kind="second_factor.refused").count() == 1


def test_a_code_of_the_app_or_a_recovery_code_signs_in(app: App) -> None:
    for code in (app.fresh_code(), app.recovery_codes[0]):
        client = Client()
        assert not sign_in(client, code)
        assert is_in(client)
    assert Session.objects.filter(device_name="Django admin", methods="password totp").exists()


def test_a_user_who_is_not_staff_is_refused_with_both_factors(client: Client) -> None:
    app = enable(proven("alice"))
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
    app = enable(Api().signed_in("root"))
    fresh = Client()
    assert not sign_in(fresh, app.fresh_code())
    assert is_in(fresh)


def test_the_password_page_requires_a_recent_second_factor(app: App, client: Client) -> None:
    assert not sign_in(client, app.fresh_code())
    age(Session.objects.all(), timedelta(minutes=11), "created_at")
    Session.objects.update(reauthenticated_at=None)
    form = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert "Sign out and in again" in client.post(PASSWORD_PAGE, form).content.decode()
    age(Session.objects.all(), -timedelta(minutes=11), "created_at")
    assert client.post(PASSWORD_PAGE, form).status_code == 302
