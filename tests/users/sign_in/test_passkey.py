"""Sign-in with a passkey alone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.api import Api, Member
from tests.authenticator import ELIGIBLE, PRESENT, VERIFIED
from tests.mail_flows import ADDRESS, delete_account
from tests.mailbox import mails_to
from tests.passkeys import SIGN_IN, add_passkey, new_verified_member, request_options, sign_in_with_passkey
from users.accounts import deletion
from users.models import Event, Session, User


@pytest.fixture
def alice(api: Api) -> Member:
    return new_verified_member()


def test_passkey_opens_a_session_without_a_username(alice: Member) -> None:
    granted = sign_in_with_passkey(add_passkey(alice).get(request_options())).data["passkeyAuth"]
    assert granted["user"]["username"] == "alice"
    assert Api().me(granted["token"]).data["me"]["username"] == "alice"
    assert Api().refresh(granted["refreshToken"]).data
    assert Event.objects.filter(kind="session.opened", session_id=granted["claims"]["sid"]).count() == 1


def test_device_has_a_name(alice: Member) -> None:
    key = add_passkey(alice)
    answer = Api()(SIGN_IN, {"passkey": key.get(request_options()), "deviceName": "phone"})
    assert Session.objects.get(id=answer.data["passkeyAuth"]["claims"]["sid"]).device_name == "phone"
    answer = Api()(SIGN_IN, {"passkey": key.get(request_options()), "deviceName": "a" * 101})
    assert answer.field_errors == {("deviceName", "TOO_LONG")}


def test_sign_in_takes_six_statements(alice: Member, statements: Callable[[], Any]) -> None:
    key = add_passkey(alice)
    assert sign_in_with_passkey(key.get(request_options())).data
    assertion = key.get(request_options())
    with statements() as seen:
        assert sign_in_with_passkey(assertion).data
    assert len(seen) <= 6, seen


def test_s141_inactive_user_is_refused_as_a_wrong_signature_is(alice: Member) -> None:
    key = add_passkey(alice)
    User.objects.update(is_active=False)
    answer = sign_in_with_passkey(key.get(request_options()))
    assert (answer.code, answer.error["message"]) == ("INVALID_CREDENTIALS", "The passkey could not be verified.")


def test_s141_closed_account_is_restored(alice: Member) -> None:
    key = add_passkey(alice)
    delete_account(alice)
    assert sign_in_with_passkey(key.get(request_options())).data
    assert User.objects.get().erases_at is None
    assert Event.objects.filter(kind="account.reopened").count() == 1


def test_s141_erased_account_is_unknown(alice: Member) -> None:
    key = add_passkey(alice)
    delete_account(alice)
    User.objects.update(erases_at=timezone.now() - timedelta(seconds=1))
    assert deletion.prune() == 1
    assert sign_in_with_passkey(key.get(request_options())).extensions["reason"] == "UNKNOWN_PASSKEY"


def test_new_place_is_reported_by_mail(alice: Member) -> None:
    key = add_passkey(alice)
    Session.objects.update(ip_address="192.0.2.1")
    assert sign_in_with_passkey(key.get(request_options())).data
    assert "A new device signed in" in [mail.subject for mail in mails_to(ADDRESS)]


def test_passkey_survives_a_change_of_the_password(api: Api, alice: Member) -> None:
    key = add_passkey(alice)
    api.change_password(alice.token)
    assert sign_in_with_passkey(key.get(request_options())).data


@pytest.mark.parametrize(("flags", "amr"), [(0, ["hwk", "user", "mfa"]), (ELIGIBLE, ["swk", "user", "mfa"])])
def test_passkey_counts_as_two_factors(alice: Member, flags: int, amr: list[str]) -> None:
    key = add_passkey(alice, flags=PRESENT | VERIFIED | flags)
    document = SIGN_IN.replace("claims {", "claims { acr amr")
    claims = Api()(document, {"passkey": key.get(request_options())}).data["passkeyAuth"]["claims"]
    assert (claims["acr"], claims["amr"]) == ("aal2", amr)
