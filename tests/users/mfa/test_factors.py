"""Second factors of an account: removed when a change of the email is undone, and by staff. No secret leaks."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from tests.api import NEW_PASSWORD, Api, backdate
from tests.mail_flows import (
    ADDRESS,
    OTHER,
    change_email,
    request_mail,
    reset_password,
    undo_email_change,
    verified_member,
)
from tests.mailbox import last_mail_to, mails_to
from tests.second_factors import (
    REAUTHENTICATE,
    SET,
    AuthenticatorApp,
    enable_totp,
    request_challenge,
    second_step,
    sign_in_with_totp,
)
from users.caller import Caller
from users.errors import Conflict
from users.mfa import factors
from users.models import Event, RecoveryCode, Session, Totp, User

pytestmark = pytest.mark.django_db


def test_undoing_a_change_of_the_email_removes_the_factors_added_since() -> None:
    mallory = verified_member("alice")
    change_email(mallory)
    token = last_mail_to(ADDRESS).token
    enable_totp(Api().sign_in_member("alice"))
    assert undo_email_change(token).data
    assert not Totp.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert User.objects.get().two_factor_since is None
    request_mail("reset")
    assert reset_password(last_mail_to(ADDRESS).token).data
    assert Api().sign_in("alice", NEW_PASSWORD).data


def test_undoing_a_change_of_the_email_keeps_the_factors_of_before() -> None:
    app = enable_totp(verified_member("alice"))
    backdate(Totp.objects.all(), timedelta(minutes=1), "created_at")
    backdate(RecoveryCode.objects.all(), timedelta(minutes=1), "created_at")
    change_email(sign_in_with_totp(app))
    begun = request_challenge()
    assert undo_email_change(last_mail_to(ADDRESS).token).data
    assert second_step(begun, app.fresh_code()).code == "TOKEN_INVALID"
    request_mail("reset")
    assert "second factor stays" in last_mail_to(ADDRESS).text
    assert reset_password(last_mail_to(ADDRESS).token).data
    begun = request_challenge(password=NEW_PASSWORD)
    assert second_step(begun, app.fresh_code()).data
    assert RecoveryCode.objects.count() == 10
    assert mails_to(OTHER)


def test_a_reset_of_the_password_keeps_the_factors() -> None:
    app = enable_totp(verified_member("alice"))
    request_mail("reset")
    mail_text = last_mail_to(ADDRESS)
    assert "second factor stays" in mail_text.text
    assert "second factor stays" in mail_text.html
    assert reset_password(mail_text.token).data
    assert Totp.objects.get().user_id
    assert second_step(request_challenge(password=NEW_PASSWORD), app.fresh_code()).data


def test_the_mail_of_a_password_reset_mentions_no_factor_without_one() -> None:
    verified_member("alice")
    request_mail("reset")
    assert "second factor" not in last_mail_to(ADDRESS).text


def test_a_reset_of_the_factors_ends_all_sessions_and_keeps_the_password() -> None:
    alice = verified_member("alice")
    enable_totp(alice)
    begun = request_challenge()
    assert factors.reset(Caller(), User.objects.get(), reason="lost the phone", by="root") == 1
    assert not Totp.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert Api().me(alice.token).code == "UNAUTHENTICATED"
    assert second_step(begun, "123456").code == "TOKEN_INVALID"
    assert Api().sign_in("alice").data
    event = Event.objects.get(kind="second_factors.reset")
    assert event.facts == {"reason": "lost the phone", "by": "root"}
    assert "Your second factors were removed" in [mail.subject for mail in mails_to(ADDRESS)]


def test_concurrent_changes_conflict() -> None:
    enable_totp(verified_member("alice"))
    one, two = User.objects.get(), User.objects.get()
    factors.begin_change(one)
    with pytest.raises(Conflict):
        factors.begin_change(two)


def test_secrets_are_in_no_log_event_mail_export_or_row(caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    caplog.set_level(logging.DEBUG)
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {"second_factor_here": [(100, timedelta(hours=1))]}
    alice = verified_member("alice")
    app = enable_totp(alice)
    used = [app.fresh_code(), "000000"]
    assert alice(REAUTHENTICATE, code=used[0]).data
    begun = request_challenge()
    assert second_step(begun, "000000").code == "INVALID_CREDENTIALS"
    assert second_step(begun, app.recovery_codes[0]).data
    alice = sign_in_with_totp(app)
    export = json.dumps(alice("{ accountExport }").data)
    mails_to(ADDRESS)
    mails = "".join(str(message.message()) for message in mail.outbox)
    sealed = Totp.objects.get().sealed
    digest = RecoveryCode.objects.first().digest
    places = {
        "logs": caplog.text,
        "events": str(list(Event.objects.values())),
        "mails": mails,
        "export": export,
        "sessions": str(list(Session.objects.values())),
    }
    assert "recovery_code.used" in places["events"]
    secrets = [app.secret, begun, sealed, digest, *app.recovery_codes]
    secrets += [code.replace("-", "") for code in app.recovery_codes]
    found = [(place, secret) for place, text in places.items() for secret in secrets if secret in text]
    assert not found


def test_the_export_lists_the_factors_without_secrets() -> None:
    alice = verified_member("alice")
    enable_totp(alice)
    export = alice("{ accountExport }").data["accountExport"]
    assert export["twoFactorSince"]
    (app,) = export["authenticatorApps"]
    assert app.keys() == {"createdAt", "lastUsedAt"}
    assert [code.keys() for code in export["recoveryCodes"]] == [{"createdAt"}] * 10
    assert {session["methods"] for session in export["sessions"]} == {"password totp"}


def test_disabling_changes_nothing_that_is_off() -> None:
    alice = verified_member("alice")
    app = enable_totp(alice)
    assert alice(SET, enabled=False).data
    assert alice(SET, enabled=False).data
    assert Event.objects.filter(kind="two_factor.disabled").count() == 1
    assert isinstance(app, AuthenticatorApp)


@pytest.mark.parametrize("typed", ["\ufb00", "\uff11\uff12\uff13\uff14\uff15\uff16", "\u0661" * 6, "1" * 65])
def test_texts_that_are_no_code_have_no_other_spelling_of_one(typed: str) -> None:
    # The capitals of the ligature U+FB00 are FF, which a recovery code may contain.
    assert factors.clean_code(typed) == ""
