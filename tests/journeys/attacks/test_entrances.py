"""Every entrance, with two-factor authentication on: none opens a session without the second factor."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory
from graphql_jwt.shortcuts import get_token

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, Member
from tests.mail_flows import OTHER, request_email_change, request_mail, reset_password, verified_member, verify_email
from tests.mailbox import last_mail_to
from tests.second_factors import AuthenticatorApp, enable_totp, request_challenge, second_step
from users.models import Session, User

pytestmark = pytest.mark.django_db


class Account:
    """An account with two-factor authentication, and two sessions: one from before it was on, one after."""

    def __init__(self) -> None:
        self.owner = verified_member("alice")
        User.objects.update(is_staff=True, is_superuser=True)
        self.before: Member = Api().sign_in_member("alice")
        self.app: AuthenticatorApp = enable_totp(self.owner)


def token_auth(account: Account) -> Answer:
    return Api().sign_in("alice")


def token_auth_by_email(account: Account) -> Answer:
    return Api().sign_in("alice@example.com")


def register_again(account: Account) -> Answer:
    return Api().register("alice", email="alice@example.com")


def reset_a_password(account: Account) -> Answer:
    request_mail("reset")
    return reset_password(last_mail_to("alice@example.com").token)


def sign_in_after_reset(account: Account) -> Answer:
    reset_a_password(account)
    return Api().sign_in("alice", NEW_PASSWORD)


def verify_an_email(account: Account) -> Answer:
    assert request_email_change(account.owner).data
    return verify_email(last_mail_to(OTHER).token)


def refresh_former_session(account: Account) -> Answer:
    return Api().refresh(account.before.refresh_token)


def use_former_session(account: Account) -> Answer:
    return Api().me(account.before.token)


def second_step_without_code(account: Account) -> Answer:
    return second_step(request_challenge(), None)


def second_step_with_the_password(account: Account) -> Answer:
    return second_step(request_challenge(), PASSWORD)


def admin(account: Account) -> Any:
    client = Client()
    answer = client.post("/admin/login/?next=/admin/", {"username": "alice", "password": PASSWORD})
    assert client.get("/admin/users/user/").status_code == 302
    return answer


ENTRANCES: dict[Callable[[Account], Any], str | None] = {
    token_auth: "SECOND_FACTOR_REQUIRED",
    token_auth_by_email: "SECOND_FACTOR_REQUIRED",
    register_again: "BAD_USER_INPUT",
    reset_a_password: None,
    sign_in_after_reset: "SECOND_FACTOR_REQUIRED",
    verify_an_email: None,
    refresh_former_session: "TOKEN_INVALID",
    use_former_session: "UNAUTHENTICATED",
    second_step_without_code: "BAD_USER_INPUT",
    second_step_with_the_password: "INVALID_CREDENTIALS",
    admin: None,
}


@pytest.mark.parametrize("entrance", ENTRANCES, ids=lambda entrance: entrance.__name__)
def test_no_entrance_opens_a_session_without_the_second_factor(entrance: Callable[[Account], Any]) -> None:
    account = Account()
    before = set(Session.objects.values_list("id", flat=True))
    logins = list(User.objects.values_list("last_login", flat=True))
    answer = entrance(account)
    assert set(Session.objects.values_list("id", flat=True)) == before
    assert list(User.objects.values_list("last_login", flat=True)) == logins
    if isinstance(answer, Answer):
        assert (answer.code if "errors" in answer.json else None) == ENTRANCES[entrance]
        assert not re.search(r"eyJ|\"refreshToken\":\"", answer.response.content.decode())
    assert User.objects.get().two_factor_since


def test_session_of_get_token_has_no_factor() -> None:
    account = Account()
    request = RequestFactory().get("/")
    member = Member(Api(), "alice", "", get_token(User.objects.get(), request), "", {})
    claims = member("{ me { sessions { isCurrent methods } } }").data["me"]["sessions"]
    assert next(each["methods"] for each in claims if each["isCurrent"]) == []
    assert member("mutation { removeTotp { security { totpEnabled } } }").code == "REAUTHENTICATION_REQUIRED"
    assert account.app
