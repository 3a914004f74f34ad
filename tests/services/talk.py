"""Speaks to a live gateway as any program would."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.api import PASSWORD

PAIR = "{ token refreshToken claims { sub } }"


def ask(origin: str, query: str, *, token: str | None = None, **variables: Any) -> Any:
    """The data of an answer without errors."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    body = json.dumps({"query": query, "variables": variables}).encode()
    with urlopen(Request(f"{origin}/graphql", body, headers)) as response:
        answer = json.load(response)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def register(origin: str, name: str) -> Any:
    """A new account's first pair."""
    document = "mutation ($n: String!, $e: String!, $p: String!) { register(username: $n, email: $e, password: $p) %s }"
    return ask(origin, document % PAIR, n=name, e=f"{name}@example.com", p=PASSWORD)["register"]


def sign_in(origin: str, name: str) -> Any:
    """A pair of a new session."""
    document = "mutation ($n: String!, $p: String!) { tokenAuth(username: $n, password: $p) %s }"
    return ask(origin, document % PAIR, n=name, p=PASSWORD)["tokenAuth"]


def refresh(origin: str, token: str) -> Any:
    """The next pair."""
    document = "mutation ($t: String) { refreshToken(refreshToken: $t) %s }"
    return ask(origin, document % PAIR, t=token)["refreshToken"]


def me(origin: str, token: str) -> str:
    """Return the username of the signed-in user."""
    name: str = ask(origin, "{ me { username } }", token=token)["me"]["username"]
    return name


def kids(origin: str) -> list[str]:
    """The keys that a gateway shows."""
    with urlopen(f"{origin}/.well-known/jwks.json") as response:
        return [key["kid"] for key in json.load(response)["keys"]]


def status(address: str, authorization: str) -> int:
    """Return the status of another service's answer to a request with this header."""
    try:
        with urlopen(Request(address, headers={"Authorization": authorization})) as response:
            return int(response.status)
    except HTTPError as refused:
        return refused.code
