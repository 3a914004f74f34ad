"""Accounts: one name is one account, every wrong argument is named, nobody is made by half."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api
from users import accounts
from users.caller import Caller
from users.models import Event, Session, User

INVISIBLE = "\u00ad\u034f\u115f\u180e\u200b\u200d\u202e\u2060\u2066\u3164\ufe0f\ufeff\uffa0\t\n\x7f "
UPDATE = """mutation ($fullName: String, $bio: String, $imageUrl: String, $username: String) {
    updateProfile(fullName: $fullName, bio: $bio, imageUrl: $imageUrl, username: $username) {
        user { username fullName bio imageUrl } } }"""


def test_registering_makes_an_account_a_session_and_a_record(api: Api) -> None:
    alice = api.join("alice", fullName=" Alice Thornby ", deviceName="laptop", passwordConfirmation=PASSWORD)
    user = User.objects.get()
    assert (user.username, user.email, user.full_name) == ("alice", "alice@example.com", "Alice Thornby")
    assert (user.is_active, user.is_staff, user.is_superuser, user.is_email_verified) == (True, False, False, False)
    assert user.password.startswith("argon2$argon2id$")
    assert user.last_login is None
    session = Session.objects.get()
    assert (str(session.id), session.user, session.device_name) == (alice.claims["sid"], user, "laptop")
    event = Event.objects.get()
    assert (event.kind, event.user, event.ip_address) == ("account.registered", user, "127.0.0.1")
    assert mail.outbox == []


def test_every_wrong_argument_is_named_at_once_and_nothing_is_made(api: Api) -> None:
    api.join("alice")
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
def test_one_wrong_argument_is_named_and_makes_nothing(
    api: Api, arguments: dict[str, str], error: tuple[str, str]
) -> None:
    answer = register(api, **arguments)
    assert answer.field_errors == {error}
    assert answer.json["data"] == {"register": None}
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_s01_of_sixteen_who_register_one_name_at_once_one_gets_it(at_once: Callable[..., list[Answer]]) -> None:
    passwords = [f"{PASSWORD} {number}" for number in range(16)]
    answers = at_once([lambda number=number: race(number, passwords[number]) for number in range(16)])
    winners = [number for number, answer in enumerate(answers) if "errors" not in answer.json]
    assert len(winners) == 1
    losers = [answer for number, answer in enumerate(answers) if number not in winners]
    assert {answer.status for answer in answers} == {200}
    assert [answer.field_errors for answer in losers] == [{("username", "TAKEN")}] * 15
    assert User.objects.count() == Session.objects.count() == 1
    fitting = [number for number in range(16) if User.objects.get().check_password(passwords[number])]
    assert fitting == winners


@pytest.mark.django_db
def test_s01_the_database_decides_where_the_look_before_saw_nobody(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.join("alice")
    looks, look = [], accounts._look_for_others

    def blind_at_first(*arguments: Any) -> None:
        looks.append(arguments)
        if len(looks) > 1:
            look(*arguments)

    monkeypatch.setattr(accounts, "_look_for_others", blind_at_first)
    assert api.register("Alice", "other@example.com").field_errors == {("username", "TAKEN")}
    looks.clear()
    assert api.register("other", "ALICE@example.com").field_errors == {("email", "TAKEN")}
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["ALICE", "Alice", "aLiCe"])
def test_s02_a_name_in_another_case_is_the_same_name(api: Api, name: str) -> None:
    api.join("alice")
    assert api.register(name, "other@example.com").field_errors == {("username", "TAKEN")}


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ("alice", "\uff41lice"),
        ("alice", "\uff21\uff2c\uff29\uff23\uff25"),
        ("kelvin", "\u212aelvin"),
        ("fish", "\ufb01sh"),
    ],
)
def test_s03_wide_letters_ligatures_and_the_kelvin_sign_make_no_second_name(api: Api, taken: str, name: str) -> None:
    api.join(taken)
    assert api.register(name, "other@example.com").field_errors == {("username", "TAKEN")}


@pytest.mark.parametrize("place", ["{0}alice", "al{0}ice", "alice{0}"])
@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
def test_s04_what_cannot_be_seen_makes_no_second_name(api: Api, character: str, place: str) -> None:
    answer = api.register(place.format(character), "other@example.com")
    assert answer.field_errors == {("username", "INVALID")}
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "name", ["\u0430lice", "alic\u0435", "b\u03bfb", "al\u0131ce", "\u24d0lice\u0301", "\u0251lice"]
)
def test_s05_letters_of_another_script_make_no_look_alike(api: Api, name: str) -> None:
    assert api.register(name, "other@example.com").field_errors == {("username", "INVALID")}


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("ALICE@example.com", "TAKEN"),
        ("alice@EXAMPLE.Com", "TAKEN"),
        ("\uff41lice@example.com", "TAKEN"),
        ("alice\uff20example\uff0ecom", "TAKEN"),
        ("al\u0131ce@example.com", "INVALID"),
        ("\u00e1lice@example.com", "INVALID"),
    ],
)
def test_s06_one_mailbox_is_one_account_in_every_spelling(api: Api, address: str, code: str) -> None:
    api.join("alice")
    assert api.register("other", address).field_errors == {("email", code)}
    assert User.objects.count() == 1


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
    api.join("alice")
    answer = api.register("mallory", "Alice@Example.com", NEW_PASSWORD)
    assert answer.status == 200
    assert answer.json["data"] == {"register": None}
    assert User.objects.get().username == "alice"
    assert Session.objects.count() == 1
    assert api.sign_in("alice@example.com", NEW_PASSWORD).code == "INVALID_CREDENTIALS"
    assert api.signed_in("alice@example.com").claims["sub"] == str(User.objects.get().id)


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


def test_a_profile_is_changed_where_asked_and_recorded_without_its_values(api: Api) -> None:
    alice = api.join("alice", fullName="Alice")
    url = "https://example.com/a.png"
    user = alice(UPDATE, bio="I fell\ndown a hole.", imageUrl=url, username="Thornby").data["updateProfile"]["user"]
    assert user == {"username": "Thornby", "fullName": "Alice", "bio": "I fell\ndown a hole.", "imageUrl": url}
    row = User.objects.get()
    assert (row.username, row.username_key, row.bio, row.image_url) == ("Thornby", "thornby", user["bio"], url)
    event = Event.objects.latest("at")
    assert (event.kind, event.facts) == ("profile.changed", {"fields": ["bio", "image_url", "username"]})
    assert str(event.session_id) == alice.claims["sid"]
    assert alice("{ me { username } }").data == {"me": {"username": "Thornby"}}


def test_an_empty_value_empties_and_a_missing_one_changes_nothing(api: Api) -> None:
    alice = api.join("alice", fullName="Alice")
    alice(UPDATE, bio="text", imageUrl="https://example.com/a.png")
    assert alice(UPDATE, bio="", imageUrl=None).data["updateProfile"]["user"] == {
        "username": "alice",
        "fullName": "Alice",
        "bio": "",
        "imageUrl": None,
    }


@pytest.mark.parametrize(
    "changes", [{}, {"username": "alice"}, {"fullName": " Alice "}, {"username": None, "fullName": None, "bio": None}]
)
def test_what_stays_the_same_is_neither_written_nor_recorded(
    api: Api, statements: Callable[[], Any], changes: dict[str, str]
) -> None:
    alice = api.join("alice", fullName="Alice")
    with statements() as seen:
        assert alice(UPDATE, **changes).data["updateProfile"]["user"]["fullName"] == "Alice"
    assert [text for text in seen if not text.startswith("SELECT")] == []


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"username": ""}, {("username", "REQUIRED")}),
        ({"username": "b c"}, {("username", "INVALID")}),
        ({"username": "BOB"}, {("username", "TAKEN")}),
        ({"username": "\uff42ob", "bio": "a" * 2_001}, {("username", "TAKEN"), ("bio", "TOO_LONG")}),
        ({"imageUrl": "javascript:alert(1)", "fullName": "a\nb"}, {("imageUrl", "INVALID"), ("fullName", "INVALID")}),
    ],
)
def test_a_profile_that_will_not_do_changes_nothing(
    api: Api, changes: dict[str, str], errors: set[tuple[str, str]]
) -> None:
    api.join("bob")
    alice = api.join("alice")
    answer = alice(UPDATE, **{"bio": "new", **changes})
    assert (answer.code, answer.field_errors) == ("BAD_USER_INPUT", errors)
    assert list(User.objects.order_by("username").values_list("username", "bio")) == [("alice", ""), ("bob", "")]
    assert not Event.objects.filter(kind="profile.changed").exists()


def test_ones_own_name_in_another_case_is_not_taken(api: Api) -> None:
    alice = api.join("alice")
    assert alice(UPDATE, username="ALICE").data["updateProfile"]["user"]["username"] == "ALICE"


def test_a_profile_change_brings_no_replaced_password_back(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, save = api.join("alice"), accounts._save

    def change_first(user: User, **how: Any) -> None:
        other = User.objects.get()
        other.set_password(NEW_PASSWORD)
        other.save()
        save(user, **how)

    monkeypatch.setattr(accounts, "_save", change_first)
    alice(UPDATE, bio="new")
    user = User.objects.get()
    assert (user.bio, user.check_password(NEW_PASSWORD), user.credential_version) == ("new", True, 1)


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_take_one_new_name_at_once_one_gets_it(at_once: Callable[..., list[Answer]]) -> None:
    members = [Api().join(f"member{number}") for number in range(8)]
    answers = at_once([lambda member=member: member(UPDATE, username="Alice") for member in members])
    losers = [answer for answer in answers if "errors" in answer.json]
    assert [answer.field_errors for answer in losers] == [{("username", "TAKEN")}] * 7
    assert User.objects.filter(username_key="alice").count() == 1


@pytest.mark.django_db
def test_a_rule_can_be_called_without_any_request() -> None:
    grant = accounts.register(Caller(), username="alice", email="alice@example.com", password=PASSWORD)
    assert grant.user.sessions.get().ip_address is None


def register(api: Api, **arguments: Any) -> Answer:
    return api.register(**{"username": "alice", "email": "alice@example.com", "password": PASSWORD, **arguments})


def race(number: int, password: str) -> Answer:
    return Api().register("Alice" if number % 2 else "alice", f"{number}@example.com", password)
