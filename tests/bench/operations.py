"""The requests that both projects get, as bytes that are ready to send."""

from dataclasses import dataclass
from typing import Any

import orjson

from tests.bench.client import PASSWORD, Client
from tests.bench.generator import NUMBER

REGISTER = (
    "mutation Register($name: String!, $email: String!, $password: String!) "
    "{ register(username: $name, email: $email, password: $password) { user { id } } }"
)
SIGN_IN = (
    "mutation SignIn($name: String!, $password: String!) "
    "{ tokenAuth(username: $name, password: $password) { token refreshToken } }"
)
ME = "query Me { me { id username email } }"
VERIFY = "mutation Verify($token: String!) { verifyToken(token: $token) { payload } }"
REFRESH = (
    "mutation Refresh($refreshToken: String!) { refreshToken(refreshToken: $refreshToken) { token refreshToken } }"
)
NAMES = ("me", "verifyToken", "refreshToken", "tokenAuth", "register")
HASHING = ("tokenAuth", "register")


@dataclass(frozen=True)
class Member:
    """A signed-in account of one of the projects."""

    name: str
    token: str
    refresh_token: str


def create_members(port: int, count: int) -> list[Member]:
    """Create accounts over HTTP, sign them in, and return them."""
    client = Client(f"http://127.0.0.1:{port}")
    members = []
    for number in range(count):
        name = f"member{number:03}"
        answer = client.post(REGISTER, {"name": name, "email": f"{name}@example.com", "password": PASSWORD})
        assert "errors" not in answer, answer
        pair = client.post(SIGN_IN, {"name": name, "password": PASSWORD})["data"]["tokenAuth"]
        members.append(Member(name, pair["token"], pair["refreshToken"]))
    return members


def request(operation: str, member: Member) -> bytes:
    """Return the HTTP request of a member for an operation."""
    if operation == "me":
        return post(ME, {}, member.token)
    if operation == "register":
        name = f"joiner{NUMBER.decode()}"
        return post(REGISTER, {"name": name, "email": f"{name}@example.com", "password": PASSWORD})
    document, variables = {
        "verifyToken": (VERIFY, {"token": member.token}),
        "refreshToken": (REFRESH, {"refreshToken": member.refresh_token}),
        "tokenAuth": (SIGN_IN, {"name": member.name, "password": PASSWORD}),
    }[operation]
    return post(document, variables)


def post(document: str, variables: dict[str, Any], token: str | None = None) -> bytes:
    """Return the bytes of a POST."""
    body = orjson.dumps({"query": document, "variables": variables})
    head = ["POST /graphql HTTP/1.1", "Host: localhost", "Accept: application/json", "Content-Type: application/json"]
    head += [f"Authorization: JWT {token}"] if token else []
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body
