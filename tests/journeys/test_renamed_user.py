"""A renamed user whose old name is taken by another: tokens follow the person, not the name."""

from tests.api import NEW_PASSWORD, PASSWORD, Api
from users.models import User

RENAME = "mutation ($name: String) { updateProfile(username: $name) { user { id username } } }"
WHO = "{ me { id username email } }"


def test_tokens_of_a_renamed_user_never_open_the_account_with_the_old_name(api: Api) -> None:
    first = api.new_member("alice", email="first@example.com")
    assert api.register("Alice", "second@example.com").field_errors == {("username", "TAKEN")}
    assert first(RENAME, name="thornby").data["updateProfile"]["user"]["username"] == "thornby"

    second = api.new_member("Alice", email="second@example.com", password=NEW_PASSWORD)
    assert second.claims["sub"] != first.claims["sub"]

    # The first one's tokens, old as they are, are still the first one's.
    for token in (first.token, api.refresh(first.refresh_token).data["refreshToken"]["token"]):
        assert api.me(token).data["me"] == {
            "id": first.claims["sub"],
            "username": "thornby",
            "email": "first@example.com",
        }
    assert second(WHO).data["me"]["email"] == "second@example.com"

    # Each name opens one account, by that account's own password.
    assert api.sign_in("alice", PASSWORD).code == "INVALID_CREDENTIALS"
    assert api.sign_in_member("alice", NEW_PASSWORD).claims["sub"] == second.claims["sub"]
    assert api.sign_in_member("thornby", PASSWORD).claims["sub"] == first.claims["sub"]
    assert api.sign_in_member("first@example.com", PASSWORD).claims["sub"] == first.claims["sub"]

    # The name cannot be taken back while another user has it. Neither user affects the other.
    assert first(RENAME, name="ALICE").field_errors == {("username", "TAKEN")}
    assert "errors" not in api.change_password(first.token, PASSWORD, f"{PASSWORD} anew").json
    assert "errors" not in second(WHO).json
    assert User.objects.count() == 2

    # A journey has an end: the second one leaves the name, and the first one returns to it.
    assert "errors" not in second(RENAME, name="carol").json
    assert first(RENAME, name="alice").data["updateProfile"]["user"] == {"id": first.claims["sub"], "username": "alice"}
