"""Registration: an error for each invalid argument, and no partial accounts."""

import json
from typing import Any

import pytest
from django.core import mail as outgoing

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api
from tests.mail_flows import ADDRESS, request_mail, verify_email
from tests.mailbox import count_queued_mails, last_mail_to, mails_to
from users.accounts import registration
from users.caller import Caller
from users.models import Event, Session, User


def test_registration_creates_an_account_a_session_and_an_event(api: Api) -> None:
    alice = api.new_member("alice", fullName=" Alice Thornby ", deviceName="laptop", passwordConfirmation=PASSWORD)
    user = User.objects.get()
    assert (user.username, user.email, user.full_name) == ("alice", "alice@example.com", "Alice Thornby")
    assert (user.is_active, user.is_staff, user.is_superuser, user.is_email_verified) == (True, False, False, False)
    assert user.password.startswith("argon2$argon2id$")
    assert user.last_login is None
    session = Session.objects.get()
    assert (str(session.id), session.user, session.device_name) == (alice.claims["sid"], user, "laptop")
    event = Event.objects.get()
    assert (event.kind, event.user, event.ip_address) == ("account.registered", user, "127.0.0.1")
    assert outgoing.outbox == [], "mail is sent by the worker"
    assert count_queued_mails() == 1


def test_all_invalid_arguments_are_named_and_nothing_is_created(api: Api) -> None:
    api.new_member("alice")
    answer = api.register(
        "ALICE", "not an address", "1234567", passwordConfirmation="other", fullName="a\x00b", deviceName="a" * 101
    )
    assert answer.code == "BAD_USER_INPUT"
    assert answer.field_errors == {
        ("username", "TAKEN"),
        ("email", "INVALID"),
        ("password", "PASSWORD_TOO_SHORT"),
        ("password", "PASSWORD_ENTIRELY_NUMERIC"),
        ("password", "PASSWORD_TOO_COMMON"),
        ("passwordConfirmation", "MISMATCH"),
        ("fullName", "INVALID"),
        ("deviceName", "TOO_LONG"),
    }
    assert (User.objects.count(), Session.objects.count(), Event.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"username": ""}, ("username", "REQUIRED")),
        ({"username": "a" * 151}, ("username", "TOO_LONG")),
        ({"email": ""}, ("email", "REQUIRED")),
        ({"password": ""}, ("password", "REQUIRED")),
        ({"password": PASSWORD * 10}, ("password", "TOO_LONG")),
        ({"passwordConfirmation": ""}, ("passwordConfirmation", "MISMATCH")),
        ({"passwordConfirmation": PASSWORD.upper()}, ("passwordConfirmation", "MISMATCH")),
        ({"fullName": "a" * 151}, ("fullName", "TOO_LONG")),
        ({"deviceName": "a\nb"}, ("deviceName", "INVALID")),
    ],
)
def test_one_invalid_argument_is_named_and_nothing_is_created(
    api: Api, arguments: dict[str, str], error: tuple[str, str]
) -> None:
    answer = register(api, **arguments)
    assert answer.field_errors == {error}
    assert answer.json["data"] == {"register": None}
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "alice",
        "@example.com",
        "alice@",
        "alice@localhost",
        "alice@@example.com",
        "alice@example..com",
        "alice@example.com,bob@example.com",
        "alice@example.com bob@example.com",
        "alice@example.com\r\nBcc: bob@example.com",
        "alice@example.com\n",
        "alice\x00@example.com",
        "Alice <alice@example.com>",
        '"alice,bob"@example.com',
        "alice@exa mple.com",
        "alice;bob@example.com",
    ],
)
def test_s07_what_is_no_single_address_is_refused(api: Api, address: str) -> None:
    assert api.register("alice", address).field_errors == {("email", "INVALID")}
    assert not User.objects.exists()


def test_s07_an_address_has_at_most_254_characters(api: Api) -> None:
    domain = f"{'b' * 63}.{'c' * 63}.{'d' * 57}.com"
    assert api.register("alice", f"{'a' * 65}@{domain}").field_errors == {("email", "TOO_LONG")}
    assert "errors" not in api.register("alice", f"{'a' * 64}@{domain}").json


def test_s15_a_known_address_makes_no_second_account_and_leaves_the_owners_password(api: Api) -> None:
    api.new_member("alice")
    answer = api.register("mallory", "Alice@Example.com", NEW_PASSWORD)
    assert answer.status == 200
    assert answer.json["data"] == {"register": None}
    assert User.objects.get().username == "alice"
    assert Session.objects.count() == 1
    assert api.sign_in("alice@example.com", NEW_PASSWORD).code == "INVALID_CREDENTIALS"
    assert api.sign_in_member("alice@example.com").claims["sub"] == str(User.objects.get().id)


@pytest.mark.parametrize(
    "smuggled",
    [
        "isStaff: true",
        "isSuperuser: true",
        "isActive: true",
        "isEmailVerified: true",
        'role: "admin"',
        'roles: ["admin"]',
        'id: "00000000-0000-4000-8000-000000000000"',
        "credentialVersion: 7",
    ],
)
@pytest.mark.parametrize("operation", ["register", "updateProfile"])
def test_s16_no_argument_gives_a_privilege(api: Api, operation: str, smuggled: str) -> None:
    own = f'username: "alice", email: "a@example.com", password: "{PASSWORD}", ' if operation == "register" else ""
    answer = api(f"mutation {{ {operation}({own}{smuggled}) {{ user {{ id }} }} }}")
    assert answer.code == "GRAPHQL_VALIDATION_FAILED"
    assert not User.objects.exists()


ZOO = [
    "a\x00b",
    "\x00",
    "a" * 80_000,
    "\U0001f600",
    "\u202e",
    "' OR 1=1 --",
    "{{7*7}}",
    "../../etc/passwd",
    "%00",
    "\\",
]


@pytest.mark.parametrize("field", ["username", "email", "password", "passwordConfirmation", "fullName", "deviceName"])
@pytest.mark.parametrize("value", ZOO, ids=lambda value: ascii(value)[:20])
def test_s17_odd_texts_are_taken_or_refused_and_never_fail(api: Api, field: str, value: str) -> None:
    answer = register(api, **{field: value})
    assert answer.status == 200
    if "errors" in answer.json:
        assert answer.code == "BAD_USER_INPUT"
        assert {name for name, _ in answer.field_errors} == {field}


@pytest.mark.parametrize("value", [1, 1.5, True, None, [], ["a"], {}, {"a": 1}])
def test_s17_values_of_another_type_are_refused(api: Api, value: Any) -> None:
    answer = register(api, username=value)
    assert answer.code == "BAD_USER_INPUT"
    assert "Traceback" not in answer.response.text
    assert not User.objects.exists()


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e400", '"\\ud800"', "NaN"])
def test_s17_json_that_no_database_could_hold_is_refused(api: Api, number: str) -> None:
    query = json.dumps("mutation ($x: String!) { revokeToken(refreshToken: $x) { revoked } }")
    answer = api.post(f'{{"query": {query}, "variables": {{"x": {number}}}}}'.encode())
    assert answer.status < 500
    assert answer.code in {"BAD_REQUEST", "BAD_USER_INPUT"}


@pytest.mark.django_db
def test_a_rule_can_be_called_without_any_request() -> None:
    grant = registration.register(Caller(), username="alice", email="alice@example.com", password=PASSWORD)
    assert grant.user.sessions.get().ip_address is None


def test_where_verification_is_off_joining_mails_nothing_and_asking_still_does(api: Api, settings: Any) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "off"
    alice = api.new_member("alice")
    assert count_queued_mails() == 0
    request_mail("verify")
    assert "errors" not in verify_email(last_mail_to(ADDRESS).token, by=alice).json


def test_s83_who_registers_a_stranger_s_address_cannot_flood_it(api: Api) -> None:
    mallory, old, new = api.new_member("alice", fullName="Buy at evil.example"), PASSWORD, NEW_PASSWORD
    for _ in range(9):
        assert "errors" not in api.change_password(mallory.token, old, new).json
        old, new = new, old
    letters = mails_to(ADDRESS)
    assert len(letters) == 5
    assert not [mail for mail in letters if "evil" in mail.text + mail.html]


def register(api: Api, **arguments: Any) -> Answer:
    return api.register(**{"username": "alice", "email": "alice@example.com", "password": PASSWORD, **arguments})
