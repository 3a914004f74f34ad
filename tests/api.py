"""A client of the gateway, as tests use it: documents in, answers out, over HTTP."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
import orjson
from django.db.models import F
from django.test import Client

from users.sessions import key_ring

PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "a wholly different staple"
GRANT = "token refreshToken refreshExpiresIn claims { sub sid iat exp } user { id username }"
UPDATE_PROFILE = """mutation ($fullName: String, $bio: String, $imageUrl: String, $username: String) {
    updateProfile(fullName: $fullName, bio: $bio, imageUrl: $imageUrl, username: $username) {
        user { username fullName bio imageUrl } } }"""


@dataclass(frozen=True)
class Answer:
    """A response of the gateway, taken apart."""

    response: Any

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def json(self) -> dict[str, Any]:
        return orjson.loads(self.response.content)

    @property
    def data(self) -> Any:
        assert "errors" not in self.json, self.json
        return self.json["data"]

    @property
    def error(self) -> dict[str, Any]:
        (error,) = self.json["errors"]
        return error

    @property
    def extensions(self) -> dict[str, Any]:
        return self.error["extensions"]

    @property
    def code(self) -> str:
        return self.extensions["code"]

    @property
    def field_errors(self) -> set[tuple[str, str]]:
        return {(each["field"], each["code"]) for each in self.extensions["fieldErrors"]}


@dataclass
class Member:
    """A signed-in user."""

    api: "Api"
    username: str
    password: str
    token: str
    refresh_token: str
    claims: dict[str, Any]

    def __call__(self, query: str, **variables: Any) -> Answer:
        return self.api(query, variables, token=self.token)


class Api:
    """Speaks GraphQL to the gateway."""

    def __init__(self) -> None:
        self.client = Client()

    def __call__(
        self, query: str, variables: dict[str, Any] | None = None, *, token: str | None = None, **headers: str
    ) -> Answer:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.post(orjson.dumps({"query": query, "variables": variables}), **headers)

    def post(self, body: bytes, content_type: str = "application/json", **headers: str) -> Answer:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(self.client.post("/graphql", body, content_type=content_type, headers=headers))

    def get(self, **parameters: str) -> Answer:
        """A GET; `headers` apart, the arguments stand in the address."""
        headers: Any = parameters.pop("headers", {})
        return Answer(self.client.get("/graphql", parameters, headers=headers))

    def register(self, username: str, email: str | None = None, password: str = PASSWORD, **more: Any) -> Answer:
        return self(
            """mutation ($username: String!, $email: String!, $password: String!, $passwordConfirmation: String,
                         $fullName: String, $deviceName: String) {
                register(username: $username, email: $email, password: $password, fullName: $fullName,
                         passwordConfirmation: $passwordConfirmation, deviceName: $deviceName) {"""
            + GRANT
            + "} }",
            {
                "username": username,
                "email": f"{username}@example.com" if email is None else email,
                "password": password,
                **more,
            },
        )

    def new_member(self, username: str = "alice", **arguments: Any) -> Member:
        grant = self.register(username, **arguments).data["register"]
        return self._member(username, arguments.get("password", PASSWORD), grant)

    def sign_in(self, username: str, password: str = PASSWORD, **headers: str) -> Answer:
        return self(
            "mutation ($username: String!, $password: String!) {"
            "tokenAuth(username: $username, password: $password) {" + GRANT + "} }",
            {"username": username, "password": password},
            **headers,
        )

    def sign_in_member(self, username: str = "alice", password: str = PASSWORD) -> Member:
        return self._member(username, password, self.sign_in(username, password).data["tokenAuth"])

    def refresh(self, refresh_token: str | None, **headers: str) -> Answer:
        return self(
            "mutation ($t: String) { refreshToken(refreshToken: $t) {" + GRANT + "} }", {"t": refresh_token}, **headers
        )

    def next_pair(self, refresh_token: str) -> dict[str, Any]:
        """Refresh, and return the new pair of tokens."""
        return self.refresh(refresh_token).data["refreshToken"]

    def revoke(self, refresh_token: str | None) -> Answer:
        return self("mutation ($t: String) { revokeToken(refreshToken: $t) { revoked } }", {"t": refresh_token})

    def me(self, token: str | None = None, **headers: str) -> Answer:
        return self("{ me { id username email } }", token=token, **headers)

    def change_password(self, token: str | None, old: str = PASSWORD, new: str = NEW_PASSWORD) -> Answer:
        return self(
            "mutation ($old: String!, $new: String!) { changePassword(oldPassword: $old, newPassword: $new) "
            "{ endedSessions user { username } } }",
            {"old": old, "new": new},
            token=token,
        )

    def _member(self, username: str, password: str, grant: dict[str, Any]) -> Member:
        return Member(self, username, password, grant["token"], grant["refreshToken"], grant["claims"])


def backdate(rows: Any, span: timedelta, *moments: str) -> None:
    """Move moments of rows into the past: the data, not the clock."""
    rows.update(**{moment: F(moment) - span for moment in moments})


def decode(token: str) -> dict[str, Any]:
    """Return the claims of an access token, as another service reads them."""
    key = key_ring.get().current
    return jwt.decode(token, key.public, algorithms=[key.algorithm], audience="gateway", issuer="http://localhost:8000")
