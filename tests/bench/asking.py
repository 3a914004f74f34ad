"""What is asked of every stack, to the letter the same, as bytes that are ready to send."""

from dataclasses import dataclass
from typing import Any

import orjson

from tests.bench.generator import NUMBER
from tests.bench.load import PASSWORD, Client

JOIN = (
    "mutation Join($name: String!, $email: String!, $password: String!) "
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
OPERATIONS = ("me", "verifyToken", "refreshToken", "tokenAuth", "register")
HASHING = ("tokenAuth", "register")


@dataclass(frozen=True)
class Member:
    """An account of a stack's, signed in."""

    name: str
    token: str
    refresh_token: str


def members(port: int, count: int) -> list[Member]:
    """So many accounts, made and signed in over HTTP."""
    client, made = Client(f"http://127.0.0.1:{port}"), []
    for number in range(count):
        name = f"member{number:03}"
        joined = client.ask(JOIN, {"name": name, "email": f"{name}@example.com", "password": PASSWORD})
        assert "errors" not in joined, joined
        pair = client.ask(SIGN_IN, {"name": name, "password": PASSWORD})["data"]["tokenAuth"]
        made.append(Member(name, pair["token"], pair["refreshToken"]))
    return made


def request(operation: str, member: Member) -> bytes:
    """One HTTP request of a member."""
    if operation == "me":
        return post(ME, {}, member.token)
    if operation == "register":
        name = f"joiner{NUMBER.decode()}"
        return post(JOIN, {"name": name, "email": f"{name}@example.com", "password": PASSWORD})
    document, variables = {
        "verifyToken": (VERIFY, {"token": member.token}),
        "refreshToken": (REFRESH, {"refreshToken": member.refresh_token}),
        "tokenAuth": (SIGN_IN, {"name": member.name, "password": PASSWORD}),
    }[operation]
    return post(document, variables)


def post(document: str, variables: dict[str, Any], token: str | None = None) -> bytes:
    """The bytes of a POST, as a browser's client sends it but for what names the browser."""
    body = orjson.dumps({"query": document, "variables": variables})
    head = ["POST /graphql HTTP/1.1", "Host: localhost", "Accept: application/json", "Content-Type: application/json"]
    head += [f"Authorization: JWT {token}"] if token else []
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body
