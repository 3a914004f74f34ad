"""The payloads of the setup of an authenticator app."""

from tests.mail_flows import verified_member
from tests.second_factors import AuthenticatorApp

SECURITY = "security { twoFactorEnabled totpEnabled recoveryCodesRemaining }"


def test_payloads_show_the_new_state(api: object) -> None:
    alice = verified_member("alice")
    begun = alice("mutation { beginTotpSetup { setup secret uri qrCode } }").data["beginTotpSetup"]
    answer = alice(
        "mutation ($setup: String!, $code: String!) { confirmTotpSetup(setup: $setup, code: $code) {"
        + SECURITY
        + "} }",
        setup=begun["setup"],
        code=AuthenticatorApp("", begun["secret"], []).code(),
    )
    security = answer.data["confirmTotpSetup"]["security"]
    assert security == {"twoFactorEnabled": True, "totpEnabled": True, "recoveryCodesRemaining": 10}
    security = alice("mutation { removeTotp {" + SECURITY + "} }").data["removeTotp"]["security"]
    assert security == {"twoFactorEnabled": False, "totpEnabled": False, "recoveryCodesRemaining": 0}
