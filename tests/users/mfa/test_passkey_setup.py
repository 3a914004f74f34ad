"""The passkeys of a user: added, renamed and removed, with all refusals."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.api import Api, Member
from tests.authenticator import PRESENT, VERIFIED, Authenticator
from tests.mail_flows import ADDRESS
from tests.mailbox import last_mail_to, mails_to
from tests.passkeys import (
    CREATION_OPTIONS,
    REGISTER,
    REMOVE,
    RENAME,
    add_passkey,
    creation_options,
    new_verified_member,
    register_passkey,
    request_options,
    sign_in_with_passkey,
)
from users.mfa import passkey_setup
from users.models import Event, Passkey, User


@pytest.fixture
def alice(api: Api) -> Member:
    return new_verified_member()


def kinds() -> list[str]:
    return list(Event.objects.filter(kind__startswith="passkey").order_by("at").values_list("kind", flat=True))


def test_passkey_is_added_with_an_event_and_a_mail(alice: Member) -> None:
    key = Authenticator(flags=PRESENT | VERIFIED | 0x18, count=0)
    passkey = register_passkey(alice, key, name="My <phone>").data["registerPasskey"]["passkey"]
    assert passkey["name"] == "My <phone>"
    assert passkey["authenticator"] is None
    assert passkey["isBackedUp"] is True
    assert passkey["lastUsedAt"] is None
    assert kinds() == ["passkey.added"]
    mail = last_mail_to(ADDRESS)
    assert mail.subject == "A passkey was added"
    assert "“My <phone>”" in mail.text
    assert "<phone>" not in mail.html
    row = Passkey.objects.get()
    assert (str(row.id), row.rp_id, row.transports) == (passkey["id"], "localhost", [])


def test_passkey_without_a_name_is_called_after_its_authenticator(
    alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert register_passkey(alice, Authenticator()).data["registerPasskey"]["passkey"]["name"] == "Passkey"
    monkeypatch.setattr(passkey_setup.passkey_authenticators, "name_of", lambda aaguid: "1Password")
    assert register_passkey(alice, Authenticator()).data["registerPasskey"]["passkey"]["name"] == "1Password"


def test_options_exclude_the_passkeys_of_the_user(alice: Member) -> None:
    key = add_passkey(alice)
    (excluded,) = creation_options(alice)["excludeCredentials"]
    assert excluded["id"] == key.create(creation_options(alice))["id"]


@pytest.mark.parametrize("document", [CREATION_OPTIONS, 'mutation { removePasskey(id: "x") { removedPasskeyId } }'])
def test_strangers_are_unauthenticated(api: Api, document: str) -> None:
    assert api(document).code == "UNAUTHENTICATED"


@pytest.mark.parametrize("verification", ["optional", "required"])
def test_unverified_email_gets_no_passkey(api: Api, settings: Any, verification: str) -> None:
    alice = api.new_member()
    settings.GATEWAY_EMAIL_VERIFICATION = verification
    assert alice(CREATION_OPTIONS).code == "EMAIL_NOT_VERIFIED"


def test_unverified_email_gets_a_passkey_where_emails_are_not_verified(api: Api, settings: Any) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "off"
    add_passkey(api.new_member())


def test_s133_user_verification_is_required_to_add_a_passkey(alice: Member) -> None:
    assert register_passkey(alice, Authenticator(flags=PRESENT)).code == "INVALID_CREDENTIALS"
    assert not Passkey.objects.exists()


def test_s134_framed_registration_is_refused(alice: Member) -> None:
    assert register_passkey(alice, Authenticator(), crossOrigin=True).code == "INVALID_CREDENTIALS"


@pytest.mark.parametrize(
    "value", [[], 1, "text", {}, {"a": {"b": {"c": {"d": {"e": {"f": {}}}}}}}, {"id": "a" * 9_000}]
)
def test_s140_other_values_are_refused(alice: Member, value: Any) -> None:
    answer = alice(REGISTER, passkey=value)
    assert answer.code == "BAD_USER_INPUT"
    assert answer.field_errors == {("passkey", "INVALID")}


def test_s140_deeply_nested_value_is_refused(alice: Member) -> None:
    value = '{"a":' * 500 + "1" + "}" * 500
    body = orjson.dumps({"query": REGISTER, "variables": {"passkey": "VALUE"}}).replace(b'"VALUE"', value.encode())
    answer = alice.api.post(body, Authorization=f"Bearer {alice.token}")
    assert answer.status < 500
    assert answer.code in {"BAD_USER_INPUT", "BAD_REQUEST"}


def test_s137_challenge_of_a_sign_in_does_not_register(alice: Member) -> None:
    options = creation_options(alice) | {"challenge": request_options()["challenge"]}
    assert alice(REGISTER, passkey=Authenticator().create(options)).code == "TOKEN_INVALID"


def test_s137_challenge_of_another_user_or_session_does_not_register(api: Api, alice: Member) -> None:
    other_session, bob = api.sign_in_member(), new_verified_member("bob")
    for member in (other_session, bob):
        assert alice(REGISTER, passkey=Authenticator().create(creation_options(member))).code == "TOKEN_INVALID"


def test_challenge_issued_before_a_change_of_the_password_does_not_register(api: Api, alice: Member) -> None:
    options = creation_options(alice)
    api.change_password(alice.token)
    assert alice(REGISTER, passkey=Authenticator().create(options)).code == "TOKEN_INVALID"


def test_passkey_of_another_account_is_taken(alice: Member) -> None:
    bob = new_verified_member("bob")
    key = add_passkey(bob)
    answer = register_passkey(alice, Authenticator(id=key.id))
    assert answer.field_errors == {("passkey", "TAKEN")}
    assert Passkey.objects.get().user.username == "bob"


def test_s142_account_has_ten_passkeys_at_most(alice: Member) -> None:
    for _ in range(passkey_setup.MAX_PASSKEYS - 1):
        add_passkey(alice)
    key, options = Authenticator(), creation_options(alice)
    add_passkey(alice)
    assert alice(CREATION_OPTIONS).field_errors == {("passkey", "TOO_MANY")}
    assert "errors" in alice(REGISTER, passkey=key.create(options)).json
    assert Passkey.objects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_s142_eleven_registrations_at_once_leave_ten_passkeys(
    run_concurrently: Callable[[list[Any]], list[Any]],
) -> None:
    alice = new_verified_member()
    for _ in range(passkey_setup.MAX_PASSKEYS - 1):
        add_passkey(alice)
    made = [Authenticator().create(creation_options(alice)) for _ in range(11)]
    answers = run_concurrently([lambda each=each: alice(REGISTER, passkey=each) for each in made])
    assert Passkey.objects.count() == 10
    assert sum("errors" not in answer.json for answer in answers) == 1
    assert all(answer.status < 500 for answer in answers)


def test_passkey_is_renamed(alice: Member) -> None:
    add_passkey(alice)
    id = str(Passkey.objects.get().id)
    assert alice(RENAME, id=id, name=" Laptop ").data["renamePasskey"]["passkey"] == {"id": id, "name": "Laptop"}
    assert alice(RENAME, id=id, name=" ").field_errors == {("name", "REQUIRED")}
    assert alice(RENAME, id=id, name="a" * 101).field_errors == {("name", "TOO_LONG")}
    assert alice(RENAME, id=id, name="a\nb").field_errors == {("name", "INVALID")}
    assert Passkey.objects.get().name == "Laptop"


def test_removed_passkey_does_not_sign_in(alice: Member) -> None:
    key = add_passkey(alice)
    id = str(Passkey.objects.get().id)
    assert alice(REMOVE, id=id).data["removePasskey"]["removedPasskeyId"] == id
    answer = sign_in_with_passkey(key.get(request_options()))
    assert (answer.code, answer.extensions["reason"]) == ("INVALID_CREDENTIALS", "UNKNOWN_PASSKEY")
    assert kinds() == ["passkey.added", "passkey.removed"]
    assert last_mail_to(ADDRESS).subject == "A passkey was removed"
    assert alice(REMOVE, id=id).code == "NOT_FOUND"


@pytest.mark.parametrize("id", ["", "x", "a" * 5_000, "00000000-0000-0000-0000-000000000000", "\x00"])
def test_unknown_ids_are_not_found(alice: Member, id: str) -> None:
    assert alice(RENAME, id=id, name="x").code == "NOT_FOUND"
    assert alice(REMOVE, id=id).code == "NOT_FOUND"


def test_passkeys_of_others_are_not_found(alice: Member) -> None:
    add_passkey(new_verified_member("bob"))
    id = str(Passkey.objects.get().id)
    assert alice(RENAME, id=id, name="x").code == "NOT_FOUND"
    assert alice(REMOVE, id=id).code == "NOT_FOUND"
    assert Passkey.objects.exists()


def test_gateway_without_passkeys_refuses(alice: Member, settings: Any) -> None:
    settings.GATEWAY_PASSKEY_RP_ID = ""
    assert alice(CREATION_OPTIONS).code == "FEATURE_DISABLED"
    assert alice(REGISTER, passkey={}).code == "FEATURE_DISABLED"


def test_bad_registrations_are_limited_per_client(alice: Member, settings: Any) -> None:
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"passkey_client": settings.GATEWAY_LIMITS["own_password"]}
    codes = [register_passkey(alice, Authenticator(flags=PRESENT)).code for _ in range(11)]
    assert codes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"]


def test_unverified_email_receives_no_text_of_the_user(api: Api, settings: Any) -> None:
    settings.GATEWAY_EMAIL_VERIFICATION = "off"
    register_passkey(api.new_member(), Authenticator(), name="www.evil.example")
    assert "evil" not in "".join(mail.text + mail.html for mail in mails_to(ADDRESS))


def test_erased_user_leaves_no_passkey(alice: Member) -> None:
    add_passkey(alice)
    User.objects.get().delete()
    assert not Passkey.objects.exists()


def test_s137_response_of_a_removed_passkey_does_not_add_it_again(alice: Member) -> None:
    response = Authenticator().create(creation_options(alice))
    id = alice(REGISTER, passkey=response).data["registerPasskey"]["passkey"]["id"]
    alice(REMOVE, id=id)
    assert alice(REGISTER, passkey=response).code == "TOKEN_INVALID"
