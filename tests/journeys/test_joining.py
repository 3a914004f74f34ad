"""Joining: from nothing to a dashboard."""

from tests.api import PASSWORD, Api


def test_a_newcomer_registers_reads_the_dashboard_refreshes_and_signs_out(api: Api) -> None:
    alice = api.join("alice", fullName="Alice Example", deviceName="laptop")
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

    again = api.signed_in("ALICE@EXAMPLE.COM", PASSWORD)
    assert api.revoke(again.refresh_token).data["revokeToken"]["revoked"] > 0
    assert again("{ me { username } }").code == "UNAUTHENTICATED"
    assert alice("{ me { username } }").data == {"me": {"username": "alice"}}
