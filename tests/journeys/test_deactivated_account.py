"""A deactivated account: out everywhere at once, indistinguishable from none, and itself again when let back in."""

from tests.api import NEW_PASSWORD, PASSWORD, Api
from users.models import User


def test_deactivated_user_is_signed_out_and_loses_no_data(api: Api) -> None:
    laptop, phone = api.new_member("alice", deviceName="laptop"), api.sign_in_member("alice")
    bob = api.new_member("bob")
    User.objects.filter(username="alice").update(is_active=False)

    for member in (laptop, phone):
        assert member("{ me { id } }").code == "UNAUTHENTICATED"
        assert member("mutation { endAllSessions { endedSessions } }").code == "UNAUTHENTICATED"
        assert api.refresh(member.refresh_token).code == "TOKEN_INVALID"
        assert api.change_password(member.token).code == "UNAUTHENTICATED"
    refused, unknown = api.sign_in("alice"), api.sign_in("nobody")
    assert refused.response.content == unknown.response.content
    assert api.register("Alice", "other@example.com").field_errors == {("username", "TAKEN")}
    assert api.register("other", "alice@example.com", NEW_PASSWORD).field_errors == {("email", "TAKEN")}
    assert "errors" not in bob("{ me { id } }").json

    # Signing out still works for who holds a token: it asks for no account.
    api.revoke(phone.refresh_token)

    User.objects.filter(username="alice").update(is_active=True)
    assert api.sign_in_member("alice", PASSWORD).claims["sub"] == laptop.claims["sub"]
    assert "errors" not in api.refresh(laptop.refresh_token).json
    assert api.refresh(phone.refresh_token).code == "TOKEN_INVALID"
