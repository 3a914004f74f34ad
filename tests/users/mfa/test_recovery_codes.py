"""Recovery codes in the database."""

import pytest

from tests.passkeys import new_verified_member
from tests.second_factors import enable_totp
from users.mfa import recovery_codes
from users.models import RecoveryCode, User

pytestmark = pytest.mark.django_db


def test_ten_codes_are_stored_as_hashes() -> None:
    app = enable_totp(new_verified_member("alice"))
    assert len(set(app.recovery_codes)) == RecoveryCode.objects.count() == recovery_codes.COUNT == 10
    stored = str(list(RecoveryCode.objects.values()))
    assert not [code for code in app.recovery_codes if code in stored or code.replace("-", "") in stored]


def test_a_code_belongs_to_its_user() -> None:
    app = enable_totp(new_verified_member("alice"))
    bob = User.objects.create_user("bob", "bob@example.com")
    code = app.recovery_codes[0].replace("-", "")
    assert not recovery_codes.use(bob.id, code)
    alice = User.objects.get(username="alice")
    assert recovery_codes.use(alice.id, code)
    assert not recovery_codes.use(alice.id, code)
    assert (recovery_codes.count(alice), recovery_codes.count(bob)) == (9, 0)
