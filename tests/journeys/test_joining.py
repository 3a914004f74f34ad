"""Joining: from nothing to a dashboard."""

from tests import mailbox
from tests.api import NEW_PASSWORD, PASSWORD, Api


def test_new_user_registers_reads_the_dashboard_refreshes_and_signs_out(api: Api) -> None:
    alice = api.new_member("alice", fullName="Alice Example", deviceName="laptop")
    me = alice("{ me { username fullName email isEmailVerified sessions { deviceName isCurrent } } }").data["me"]
    assert me == {
        "username": "alice",
        "fullName": "Alice Example",
        "email": "alice@example.com",
        "isEmailVerified": False,
        "sessions": [{"deviceName": "laptop", "isCurrent": True}],
    }
    dashboard = alice("{ dashboard { message user { username } } }").data["dashboard"]
    assert dashboard == {"message": "Hey alice, you are seeing your dashboard.", "user": {"username": "alice"}}
    posted = alice('mutation { dashboard(text: "hello") { message } }').data["dashboard"]
    assert posted == {"message": "Hey alice, your text is hello"}

    alice.token = api.refresh(alice.refresh_token).data["refreshToken"]["token"]
    assert alice("{ me { username } }").data == {"me": {"username": "alice"}}

    again = api.sign_in_member("ALICE@EXAMPLE.COM", PASSWORD)
    assert api.revoke(again.refresh_token).data["revokeToken"]["revoked"] > 0
    assert again("{ me { username } }").code == "UNAUTHENTICATED"
    assert alice("{ me { username } }").data == {"me": {"username": "alice"}}


VERIFY = "mutation ($token: String!) { verifyEmail(token: $token) { user { id } } }"


def test_verification_ends_earlier_sessions_except_the_verifying_one(
    api: Api,
) -> None:
    alice = api.new_member("alice")
    early = api.sign_in_member("alice")
    assert "errors" not in alice(VERIFY, token=mailbox.last_mail_to("alice@example.com").token).json
    assert alice("{ me { isEmailVerified } }").data == {"me": {"isEmailVerified": True}}
    assert early("{ me { id } }").code == "UNAUTHENTICATED"


def test_squatter_is_signed_out_once_the_owner_takes_the_account(api: Api) -> None:
    squatter = api.new_member("squatter", email="alice@example.com")
    # The owner of the address asks for a password, since there is an account, and has it with all that is in it.
    api('mutation { requestPasswordReset(email: "alice@example.com") { accepted } }')
    reset = (
        "mutation ($token: String!, $new: String!) { resetPassword(token: $token, newPassword: $new) { user { id } } }"
    )
    assert (
        "errors" not in api(reset, {"token": mailbox.last_mail_to("alice@example.com").token, "new": NEW_PASSWORD}).json
    )
    assert squatter("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.sign_in("squatter", PASSWORD).code == "INVALID_CREDENTIALS"
    assert "errors" not in api.sign_in_member("alice@example.com", NEW_PASSWORD)("{ me { id } }").json
