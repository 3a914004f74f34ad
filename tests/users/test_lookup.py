"""The lookup of users by username or email."""

import pytest

from tests.api import Api
from users import lookup


@pytest.mark.parametrize("name", ["alice", "ALICE", "\uff41lice", "alice@example.com", "Alice@EXAMPLE.com"])
def test_an_account_is_found_by_either_name_in_any_spelling(api: Api, name: str) -> None:
    api.new_member("alice")
    api.new_member("bob")
    found = lookup.find_by_login(name)
    assert found is not None
    assert found.username == "alice"


@pytest.mark.parametrize(
    "name", ["", "@", "carol", "carol@example.com", "alice ", "alice\x00", "ali%", "alice@example"]
)
def test_another_name_finds_no_user(api: Api, name: str) -> None:
    api.new_member("alice")
    assert lookup.find_by_login(name) is None
