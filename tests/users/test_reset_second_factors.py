"""`manage.py reset_second_factors`."""

import io

import pytest
from django.core.management import CommandError, call_command

from tests.api import Api
from tests.mail_flows import verified_member
from tests.second_factors import enable_totp
from users.models import Event, Totp

pytestmark = pytest.mark.django_db


def test_it_removes_the_factors_and_ends_the_sessions() -> None:
    enable_totp(verified_member("alice"))
    said = io.StringIO()
    call_command("reset_second_factors", "ALICE@example.com", "--reason", "ticket 7", stdout=said)
    assert said.getvalue() == "second factors of alice removed, 1 sessions ended\n"
    assert not Totp.objects.exists()
    assert Api().sign_in("alice").data
    assert Event.objects.get(kind="second_factors.reset").facts == {"reason": "ticket 7", "by": "operator"}


def test_an_unknown_user_is_an_error() -> None:
    with pytest.raises(CommandError, match="No user has the username or email mallory"):
        call_command("reset_second_factors", "mallory")
