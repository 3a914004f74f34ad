"""The payload of `reauthenticate`."""

from tests.api import PASSWORD, Api
from tests.mail_flows import verified_member


def test_the_payload_has_the_claims_of_the_new_token(api: Api) -> None:
    alice = verified_member("alice")
    answer = alice(
        "mutation ($password: String) { reauthenticate(password: $password) "
        "{ token claims { sid iat exp authTime acr amr } reauthenticatedUntil } }",
        password=PASSWORD,
    )
    done = answer.data["reauthenticate"]
    checked = api(
        "mutation ($t: String) { verifyToken(token: $t) { claims { sid iat exp authTime acr amr } } }",
        {"t": done["token"]},
    )
    assert checked.data["verifyToken"]["claims"] == done["claims"]
    assert (done["claims"]["acr"], done["claims"]["amr"]) == ("aal1", ["pwd"])


def test_it_needs_the_access_token(api: Api) -> None:
    assert api('mutation { reauthenticate(password: "x") { token } }').code == "UNAUTHENTICATED"
