"""The payloads of two-factor authentication."""

from graphql import GraphQLObjectType

from gateway.graphql.schema import schema
from tests.api import PASSWORD, Api
from tests.mail_flows import verified_member
from tests.second_factors import enable_totp, request_challenge

SIGN_IN = f'tokenAuth(username: "alice", password: "{PASSWORD}") {{ token }}'


def fields(name: str) -> set[str]:
    kind = schema.graphql_schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return set(kind.fields)


def test_the_second_step_answers_what_a_sign_in_answers(api: Api) -> None:
    assert fields("SecondFactorAuthPayload") == fields("TokenAuthPayload")
    app = enable_totp(verified_member("alice"))
    answer = api(
        """mutation ($challenge: String!, $code: String) { secondFactorAuth(challenge: $challenge, code: $code) {
            token refreshToken refreshExpiresIn payload user { username security { twoFactorEnabled } }
            claims { sub authTime acr amr } } }""",
        {"challenge": request_challenge(), "code": app.fresh_code()},
    )
    done = answer.data["secondFactorAuth"]
    assert done["user"] == {"username": "alice", "security": {"twoFactorEnabled": True}}
    assert (done["claims"]["acr"], done["claims"]["amr"]) == ("aal2", ["pwd", "otp", "mfa"])
    assert done["payload"]["username"] == "alice"


def test_a_document_may_try_one_code(api: Api) -> None:
    document = 'mutation { a: secondFactorAuth(challenge: "x", code: "1") { token } b: reauthenticate { token } }'
    assert api(document).code == "OPERATION_TOO_COMPLEX"
    document = 'mutation { secondFactorAuth(challenge: "x", code: "1") { token } ' + SIGN_IN + " }"
    assert api(document).code == "OPERATION_TOO_COMPLEX"
