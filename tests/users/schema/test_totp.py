"""The payloads of the setup of an authenticator app."""

from tests.mailed import proven
from tests.second_factors import App

SECURITY = "security { twoFactorEnabled totpEnabled recoveryCodesRemaining }"


def test_payloads_show_the_new_state(api: object) -> None:
    alice = proven("alice")
    begun = alice("mutation { beginTotpSetup { setup secret uri qrCode } }").data["beginTotpSetup"]
    answer = alice(
        "mutation ($setup: String!, $code: String!) { confirmTotpSetup(setup: $setup, code: $code) {"
        + SECURITY
        + "} }",
        setup=begun["setup"],
        code=App("", begun["secret"], []).code(),
    )
    security = answer.data["confirmTotpSetup"]["security"]
    assert security == {"twoFactorEnabled": True, "totpEnabled": True, "recoveryCodesRemaining": 10}
    security = alice("mutation { removeTotp {" + SECURITY + "} }").data["removeTotp"]["security"]
    assert security == {"twoFactorEnabled": False, "totpEnabled": False, "recoveryCodesRemaining": 0}
