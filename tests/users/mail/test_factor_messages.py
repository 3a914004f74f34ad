"""Mails about second factors and passkeys."""

from typing import Any

import pytest
from django.core import mail as outgoing

from tests.api import Api
from tests.mail_flows import ADDRESS, verified_member
from tests.mailbox import deliver, last_mail_to
from users.caller import Caller
from users.mail import factor_messages, outbox
from users.models import User

SUBJECTS = {
    "two_factor_enabled": "Two-factor authentication is on",
    "two_factor_disabled": "Two-factor authentication is off",
    "totp_added": "An authenticator app was added",
    "totp_removed": "The authenticator app was removed",
    "recovery_codes_regenerated": "New recovery codes",
    "recovery_code_used": "A recovery code was used",
    "second_factor_refused": "Someone may know your password",
    "second_factors_reset": "Your second factors were removed",
    "passkey_added": "A passkey was added",
    "passkey_removed": "A passkey was removed",
    "passkey_refused": "A passkey was refused",
}
FACTS: dict[str, dict[str, Any]] = {"recovery_code_used": {"left": 1}}


def notify(name: str) -> None:
    caller = Caller(ip_address="192.0.2.7")
    outbox.notify(caller, getattr(factor_messages, name), user=User.objects.get(), **FACTS.get(name, {}))


@pytest.mark.parametrize("name", SUBJECTS)
def test_factor_mail_names_the_change_the_user_and_the_client(api: Api, name: str) -> None:
    verified_member(fullName="Alice & <Co>")
    notify(name)
    mail = last_mail_to(ADDRESS)
    assert mail.subject == SUBJECTS[name]
    assert "Hello Alice & <Co>," in mail.text
    assert "Hello Alice &amp; &lt;Co&gt;," in mail.html
    for text in (mail.text, mail.html):
        assert "192.0.2.7" in text
        assert "None" not in text


@pytest.mark.parametrize("name", SUBJECTS)
def test_factor_mail_is_not_sent_to_an_inactive_user(api: Api, name: str) -> None:
    verified_member()
    outgoing.outbox.clear()
    notify(name)
    User.objects.update(is_active=False)
    deliver()
    assert outgoing.outbox == []
