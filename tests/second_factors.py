"""Second factors in tests: an authenticator app, recovery codes, and sign-ins in two steps."""

from dataclasses import dataclass
from time import time

from tests.api import GRANT, PASSWORD, Answer, Api, Member
from users.crypto import totp as crypto
from users.models import Totp

BEGIN = "mutation { beginTotpSetup { setup secret uri qrCode } }"
CONFIRM = """mutation ($setup: String!, $code: String!) {
    confirmTotpSetup(setup: $setup, code: $code) { recoveryCodes endedSessions security { twoFactorEnabled } } }"""
REMOVE = "mutation { removeTotp { security { twoFactorEnabled totpEnabled recoveryCodesRemaining } } }"
SET = """mutation ($enabled: Boolean!) {
    setTwoFactor(enabled: $enabled) { recoveryCodes endedSessions security { twoFactorEnabled } } }"""
REGENERATE = "mutation { regenerateRecoveryCodes { recoveryCodes } }"
SECURITY = """{ me { security { twoFactorEnabled hasPassword totpEnabled recoveryCodesRemaining reauthenticatedUntil
    reauthenticationMethods } } }"""
REAUTHENTICATE = """mutation ($password: String, $code: String) {
    reauthenticate(password: $password, code: $code) { token reauthenticatedUntil claims { authTime acr amr } } }"""
SECOND_STEP = (
    """mutation ($challenge: String!, $code: String) {
    secondFactorAuth(challenge: $challenge, code: $code) {"""
    + GRANT
    + "} }"
)


@dataclass
class AuthenticatorApp:
    """An authenticator app with the secret of a user."""

    user: str
    secret: str
    recovery_codes: list[str]

    def code(self, step: int = 0) -> str:
        """Return the code of the current time step, or of one before or after it."""
        return crypto.code(self.secret, int(time()) // crypto.PERIOD + step)

    def fresh_code(self) -> str:
        """Return the current code, which counts as unused again: the data moves, not the clock."""
        Totp.objects.filter(user_id=self.user).update(last_step=0)
        return self.code()


def enable_totp(member: Member) -> AuthenticatorApp:
    """Turn on two-factor authentication."""
    begun = member(BEGIN).data["beginTotpSetup"]
    app = AuthenticatorApp(member.claims["sub"], begun["secret"], [])
    confirmed = member(CONFIRM, setup=begun["setup"], code=app.code()).data["confirmTotpSetup"]
    app.recovery_codes = confirmed["recoveryCodes"]
    return app


def request_challenge(username: str = "alice", password: str = PASSWORD, **headers: str) -> str:
    """Return the challenge of a sign-in whose first step is right."""
    answer = Api().sign_in(username, password, **headers)
    assert answer.code == "SECOND_FACTOR_REQUIRED", answer.json
    return answer.extensions["challenge"]


def second_step(challenge: str, code: str | None, *, api: Api | None = None, **headers: str) -> Answer:
    return (api or Api())(SECOND_STEP, {"challenge": challenge, "code": code}, **headers)


def sign_in_with_totp(app: AuthenticatorApp, username: str = "alice", password: str = PASSWORD) -> Member:
    """Return a member who has signed in with both factors."""
    grant = second_step(request_challenge(username, password), app.fresh_code()).data["secondFactorAuth"]
    return Member(Api(), username, password, grant["token"], grant["refreshToken"], grant["claims"])
