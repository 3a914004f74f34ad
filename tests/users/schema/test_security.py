"""The protection of an account, and the options of a sign-in page."""

from typing import Any

from tests.api import NEW_PASSWORD, Api
from tests.mail_flows import request_mail, verified_member
from tests.mailbox import last_mail_to
from tests.second_factors import SECURITY


def test_a_sign_in_page_needs_no_token(api: Api, settings: Any) -> None:
    settings.GATEWAY_PASSWORD_MIN_LENGTH = 12
    options = api("{ signInOptions { registrationOpen passwordMinLength } }").data["signInOptions"]
    assert options == {"registrationOpen": True, "passwordMinLength": 12}


def test_security_needs_the_access_token(api: Api) -> None:
    assert api(SECURITY).code == "UNAUTHENTICATED"


def test_a_mailed_token_alone_does_not_show_the_security(api: Api) -> None:
    verified_member("alice")
    request_mail("reset")
    answer = api(
        """mutation ($token: String!, $new: String!) {
            resetPassword(token: $token, newPassword: $new) { user { security { hasPassword } } } }""",
        {"token": last_mail_to("alice@example.com").token, "new": NEW_PASSWORD},
    )
    assert answer.code == "FORBIDDEN"
    assert answer.json["data"]["resetPassword"] == {"user": None}
