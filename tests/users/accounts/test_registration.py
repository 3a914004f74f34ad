"""Accounts: one name is one account, every wrong argument is named, nobody is made by half."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail as outgoing
from django.utils import timezone

from tests.api import NEW_PASSWORD, PASSWORD, Answer, Api, Member, age
from tests.mailed import ADDRESS, OTHER, change, close, move, proven, request, reset, verify
from tests.post import deliver, last, queued, received
from users import normalization
from users.accounts import deletion, registration, unique
from users.caller import Caller
from users.models import Attempts, EmailToken, Event, Session, User

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
    assert outgoing.outbox == [], "mail is sent by the worker"
    assert queued() == 1


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


def test_names_and_addresses_of_others_are_looked_for_in_one_statement(api: Api, statements: Callable[[], Any]) -> None:
    api.join("alice")
    api.register("bob", "")
    with statements() as seen:
        assert api.register("ALICE", ADDRESS.upper()).field_errors == {("username", "TAKEN"), ("email", "TAKEN")}
    assert [text.lstrip("(").partition(" ")[0] for text in seen] == ["UPDATE", "SELECT"]


@pytest.mark.django_db
def test_s01_the_database_decides_where_the_look_before_saw_nobody(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.join("alice")
    looks, look = [], unique.check

    def blind_at_first(*arguments: Any) -> None:
        looks.append(arguments)
        if len(looks) > 1:
            look(*arguments)

    monkeypatch.setattr(unique, "check", blind_at_first)
    assert api.register("Alice", "other@example.com").field_errors == {("username", "TAKEN")}
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
    assert [text for text in seen if not text.lstrip("(").startswith("SELECT")] == []


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
    alice, saving = api.join("alice"), unique.refused

    def change_first(user: User, *fields: Any) -> Any:
        other = User.objects.get()
        other.set_password(NEW_PASSWORD)
        other.save()
        return saving(user, *fields)

    monkeypatch.setattr(unique, "refused", change_first)
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
    grant = registration.register(Caller(), username="alice", email="alice@example.com", password=PASSWORD)
    assert grant.user.sessions.get().ip_address is None


# --- where addresses must be proven first -------------------------------------------------------


@pytest.fixture
def required(settings: Any) -> None:
    """Addresses must be proven before anyone signs in."""
    settings.GATEWAY_EMAIL_VERIFICATION = "required"


def probes(api: Api, username: str, address: str) -> list[tuple[Any, ...]]:
    """What a stranger is told who registers an address, and then asks on."""
    bob = Api().signed_in("bob")
    answers = [
        api.register(username, address, NEW_PASSWORD),
        api.register(username, "else@example.com", NEW_PASSWORD),
        api.register(username.upper(), address, NEW_PASSWORD),
        bob(UPDATE, username=username),
        api.sign_in(username, NEW_PASSWORD),
        api.sign_in(username.upper(), "a wrong guess"),
        api.sign_in(address, NEW_PASSWORD),
        api.sign_in(address.upper(), NEW_PASSWORD),
        request("verify", address),
        request("reset", address),
        verify("BCDF-GHJK", address),
        change(bob, address),
    ]
    return [(answer.status, answer.response.content, sorted(answer.response.headers)) for answer in answers]


@pytest.mark.usefixtures("required")
def test_s15_registering_and_asking_on_tells_nobody_whether_the_address_was_taken(db: None) -> None:
    for name in ("alice", "bob"):
        assert "errors" not in Api().register(name).json
        assert "errors" not in verify(last(f"{name}@example.com").token).json
    Attempts.objects.all().delete()
    free = probes(Api(), "mallory", "nobody@example.com")
    Attempts.objects.all().delete()
    taken = probes(Api(), "marlowe", ADDRESS)
    assert b'"token":null' in free[0][1]
    assert b"EMAIL_NOT_VERIFIED" in free[4][1]
    assert b"INVALID_CREDENTIALS" in free[6][1]
    assert free == taken


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("state", ["proven", "unproven", "inactive", "held", "another case"])
def test_s15_registering_costs_the_same_whether_or_not_the_address_is_taken(
    db: None, statements: Callable[[], Any], state: str
) -> None:
    Api().register("alice")
    if state != "unproven":
        assert "errors" not in verify(last(ADDRESS).token).json
    if state == "inactive":
        User.objects.update(is_active=False)
    if state == "held":
        move(Api().signed_in("alice"))
    Attempts.objects.all().delete()
    costs = []
    for username, address in (
        ("mallory", "nobody@example.com"),
        ("marlowe", ADDRESS.upper() if " " in state else ADDRESS),
    ):
        before = queued()
        Attempts.objects.filter(key__startswith="mail_address").delete()
        with statements() as seen:
            answer = Api().register(username, address)
        kinds = [text.lstrip("(").split(" ")[0] for text in seen]
        # The first of all made the row that counts where it came from, before anything was looked for.
        costs.append((answer.response.content, kinds[kinds.index("SELECT") :], queued() - before))
    assert costs[0] == costs[1]


@pytest.mark.usefixtures("required")
def test_s15_a_free_address_gets_a_link_and_a_taken_one_is_told_that_it_has_an_account(api: Api) -> None:
    assert set(api.register("alice").data["register"].values()) == {None}
    user = User.objects.get()
    assert (user.email, user.is_email_verified) == (ADDRESS, False)
    assert user.erases_at - timezone.now() > timedelta(days=13)
    assert not Session.objects.exists()
    assert api.sign_in("alice").code == "EMAIL_NOT_VERIFIED"
    assert "errors" not in verify(last(ADDRESS).token).json
    assert User.objects.get().erases_at is None
    assert "errors" not in api.sign_in(ADDRESS).json

    api.register("mallory", "Alice@Example.com", NEW_PASSWORD)
    assert last(ADDRESS).subject == "You already have an account"
    assert received("Alice@Example.com") == []
    stand_in = User.objects.get(username="mallory")
    assert stand_in.email == normalization.UNUSABLE_EMAIL
    assert api.sign_in("mallory", NEW_PASSWORD).code == "EMAIL_NOT_VERIFIED"
    event = Event.objects.get(kind="registration.repeated")
    assert event.user.username == "alice", "its owner can read of it"
    assert [message.to for message in outgoing.outbox if "invalid" in str(message.to)] == []


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("mode", ["optional", "off"])
def test_s15_a_stand_in_is_nobodys_also_where_proof_is_no_longer_required(api: Api, settings: Any, mode: str) -> None:
    api.register("alice")
    assert "errors" not in verify(last(ADDRESS).token).json
    api.register("mallory", ADDRESS, NEW_PASSWORD)
    settings.GATEWAY_EMAIL_VERIFICATION = mode
    assert api.sign_in("mallory", NEW_PASSWORD).code == "EMAIL_NOT_VERIFIED"
    assert not Session.objects.exists()
    assert "errors" not in api.sign_in("alice").json


@pytest.mark.usefixtures("required")
def test_an_unproven_address_names_nobody_and_its_right_password_is_counted_as_wrong(api: Api) -> None:
    api.register("alice")
    codes = [api.sign_in(ADDRESS).code for _ in range(12)]
    assert codes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 2


@pytest.mark.usefixtures("required")
def test_who_was_never_proven_is_erased_in_time_and_who_was_stays(api: Api) -> None:
    for name in ("alice", "mallory", "bob"):
        api.register(name, ADDRESS if name == "mallory" else None)
        if name == "alice":
            assert "errors" not in verify(last(ADDRESS).token).json
    assert deletion.prune() == 0
    age(User.objects.filter(erases_at__isnull=False), timedelta(days=15), "erases_at")
    assert deletion.prune() == 2
    assert User.objects.get().username == "alice"


@pytest.mark.usefixtures("required")
def test_s97_registrations_of_one_address_send_five_mails_an_hour_and_block_nobody(api: Api) -> None:
    for number in range(7):
        assert "errors" not in api.register(f"user{number}", ADDRESS).json
    assert queued() == 5
    assert "errors" not in request("verify").json


@pytest.mark.usefixtures("required")
@pytest.mark.django_db(transaction=True)
def test_s15_of_six_who_register_one_free_address_at_once_all_are_answered_alike(
    at_once: Callable[..., list[Answer]], long_queue: None, settings: Any
) -> None:
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"mail_address": [(9, timedelta(hours=1))]}
    answers = at_once([lambda number=number: Api().register(f"user{number}", ADDRESS) for number in range(6)])
    assert len({answer.response.content for answer in answers}) == 1
    assert "errors" not in answers[0].json
    assert User.objects.filter(email=ADDRESS, is_email_verified=False).count() == 6


def test_where_verification_is_off_joining_mails_nothing_and_asking_still_does(api: Api, settings: Any) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "off"
    alice = api.join("alice")
    assert queued() == 0
    request("verify")
    assert "errors" not in verify(last(ADDRESS).token, by=alice).json


def test_s83_who_registers_a_stranger_s_address_cannot_flood_it(api: Api) -> None:
    mallory, old, new = api.join("alice", fullName="Buy at evil.example"), PASSWORD, NEW_PASSWORD
    for _ in range(9):
        assert "errors" not in api.change_password(mallory.token, old, new).json
        old, new = new, old
    letters = received(ADDRESS)
    assert len(letters) == 5
    assert not [mail for mail in letters if "evil" in mail.text + mail.html]


# --- closing and erasing -------------------------------------------------------------------------


def test_closing_signs_out_everywhere_and_says_when_the_account_is_erased(api: Api, settings: Any) -> None:
    alice, bob = proven(), api.join("bob")
    others = [api.signed_in("alice"), api.signed_in("alice")]
    request("reset")
    token = last(ADDRESS).token
    before = User.objects.filter(username="alice").values().get()
    erased_at = datetime.fromisoformat(close(alice).data["deleteAccount"]["erasedAt"])
    assert abs(erased_at - timezone.now() - settings.GATEWAY_ERASE_AFTER) < timedelta(minutes=1)
    after = User.objects.filter(username="alice").values().get()
    assert {name for name in after if after[name] != before[name]} == {"erases_at"}
    assert ["errors" in each("{ me { id } }").json for each in (alice, *others, bob)] == [True, True, True, False]
    assert api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
    assert reset(token).code == "TOKEN_INVALID"
    assert Event.objects.get(kind="account.closed").user.username == "alice"
    mail = last(ADDRESS)
    assert mail.subject == "Your account is closed"
    assert f"{erased_at:%Y-%m-%d %H:%M}" in mail.text
    assert api.register("alice", "else@example.com").field_errors == {("username", "TAKEN")}


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper()])
def test_a_wrong_password_closes_nothing(api: Api, password: str) -> None:
    alice = api.join("alice")
    answer = close(alice, password)
    assert (answer.code, answer.extensions["field"]) == ("INVALID_CREDENTIALS", "password")
    assert User.objects.get().erases_at is None
    assert "errors" not in alice("{ me { id } }").json


def test_signing_in_opens_a_closed_account_again(api: Api) -> None:
    close(api.join("alice"))
    again = api.signed_in("alice")
    assert User.objects.get().erases_at is None
    kinds = list(Event.objects.order_by("at", "id").values_list("kind", flat=True))
    assert kinds[-2:] == ["account.reopened", "session.opened"]
    age(User.objects, timedelta(days=30), "date_joined")
    assert deletion.prune() == 0
    assert "errors" not in again("{ me { id } }").json


PROVE = {"verify": verify, "reset": reset}


@pytest.mark.parametrize("purpose", PROVE)
def test_proving_the_address_opens_a_closed_account_again(api: Api, purpose: str) -> None:
    close(api.join("alice"))
    request(purpose)
    assert "errors" not in PROVE[purpose](last(ADDRESS).token).json
    assert User.objects.get().erases_at is None
    assert Event.objects.get(kind="account.reopened").user.username == "alice"


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("purpose", [*PROVE, "sign in"])
def test_an_account_that_only_waited_to_be_proven_is_not_opened_again(api: Api, settings: Any, purpose: str) -> None:
    api.register("alice")
    if purpose in PROVE:
        request(purpose)
        assert "errors" not in PROVE[purpose](last(ADDRESS).token).json
    settings.GATEWAY_EMAIL_VERIFICATION = "optional"
    api.signed_in("alice", NEW_PASSWORD if purpose == "reset" else PASSWORD)
    assert User.objects.get().erases_at is None
    assert not Event.objects.filter(kind="account.reopened").exists()


def test_a_forgotten_password_keeps_nobody_from_opening_a_closed_account_again(api: Api) -> None:
    close(proven())
    request("reset")
    assert "errors" not in reset(last(ADDRESS).token).json
    assert User.objects.get().erases_at, "a password alone opens nothing"
    api.signed_in("alice", NEW_PASSWORD)
    assert User.objects.get().erases_at is None


def test_an_account_whose_time_has_come_is_gone_and_its_events_say_only_that_and_when(api: Api) -> None:
    alice, bob = proven(fullName="Alice Thornby"), api.join("bob")
    api.sign_in("alice", "wrong", User_Agent="Browser/1")
    move(alice)
    request("reset", OTHER)
    close(alice)
    told = list(Event.objects.filter(user__username="alice").order_by("at").values_list("id", "kind", "at"))
    age(User.objects, timedelta(days=14, minutes=1), "erases_at")
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


def test_accounts_that_are_not_due_are_left_alone(api: Api) -> None:
    close(api.join("alice"))
    api.join("bob")
    assert deletion.prune() == 0
    assert User.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(3))
def test_a_sign_in_at_the_moment_of_erasing_keeps_the_account_or_finds_none(
    at_once: Callable[..., list[Any]], _round: int
) -> None:
    close(Api().join("alice"))
    age(User.objects, timedelta(days=15), "erases_at")
    answer, erased, *_ = at_once([lambda: Api().sign_in("alice"), deletion.prune, deletion.prune])
    erased = not User.objects.exists()
    if erased:
        assert answer.code == "INVALID_CREDENTIALS"
        assert not Session.objects.exists()
    else:
        assert User.objects.get().erases_at is None
        assert "errors" not in Api().me(answer.data["tokenAuth"]["token"]).json
    assert Event.objects.filter(kind="account.erased").count() == erased


@pytest.mark.django_db(transaction=True)
def test_of_closing_and_changing_at_once_nothing_hangs_and_nobody_stays_in(
    at_once: Callable[..., list[Any]], long_queue: None
) -> None:
    members = [proven(), *(Api().signed_in("alice") for _ in range(5))]
    answers = at_once(
        [lambda member=member: close(member) for member in members[:3]]
        + [lambda member=member: Api().change_password(member.token) for member in members[3:]]
    )
    codes = {answer.code for answer in answers if "errors" in answer.json}
    assert codes <= {"CONFLICT", "UNAUTHENTICATED", "INVALID_CREDENTIALS"}
    user = User.objects.get()
    live = Session.objects.filter(ended_at=None, credential_version=user.credential_version).count()
    assert live == 0 if user.erases_at else live == 1


# --- taking away ---------------------------------------------------------------------------------


def exported(member: Member) -> dict[str, Any]:
    return member("{ accountExport }").data["accountExport"]


def test_an_export_has_all_that_is_held_and_no_secret(api: Api) -> None:
    alice = proven(fullName="Alice Thornby", deviceName="laptop")
    api.join("bob")
    alice(UPDATE, bio="I fell.")
    api.sign_in("alice", "wrong", User_Agent="Browser/1")
    request("reset")
    mail, refreshed = last(ADDRESS), api.refresh(alice.refresh_token).data["refreshToken"]
    taken = exported(alice)
    assert (taken["username"], taken["email"], taken["bio"]) == ("alice", ADDRESS, "I fell.")
    assert [each["deviceName"] for each in taken["sessions"]] == ["laptop"]
    assert {"account.registered", "email.verified", "sign_in.refused"} <= {each["kind"] for each in taken["events"]}
    assert [(each["purpose"], each["address"]) for each in taken["emailTokens"]] == [("reset", ADDRESS)]
    text = json.dumps(taken)
    user = User.objects.get(username="alice")
    session, proof = user.sessions.get(), user.email_tokens.get()
    secrets = [user.password, user.password.split("$")[-1], session.current, session.previous, proof.digest, proof.code]
    secrets += [str(session.selector), session.selector.hex, refreshed["refreshToken"], refreshed["token"]]
    secrets += [mail.token, mail.code, "argon2", "bob", "credential"]
    assert not [secret for secret in secrets if secret in text]


def test_an_export_is_read_in_few_statements_however_much_there_is(api: Api, statements: Callable[[], Any]) -> None:
    alice = api.join("alice")
    for _ in range(5):
        api.signed_in("alice")
    with statements() as seen:
        exported(alice)
    assert len(seen) == 7


def register(api: Api, **arguments: Any) -> Answer:
    return api.register(**{"username": "alice", "email": "alice@example.com", "password": PASSWORD, **arguments})


def race(number: int, password: str) -> Answer:
    return Api().register("Alice" if number % 2 else "alice", f"{number}@example.com", password)
