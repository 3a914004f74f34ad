"""The log of a gateway at its lowest level, during all actions of a user: no secrets, one line per record."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from tests.api import NEW_PASSWORD, PASSWORD
from tests.server import free_ports, running_gateway, wait_until_ready
from tests.services import talk

WRONG = "a wrong guess at a password"
FORGED = '/graphql%0A{"event":"forged"}%1B[31m%E2%80%A8'
SIGN_IN = "mutation SignIn($n: String!, $p: String!) { tokenAuth(username: $n, password: $p) { token refreshToken } }"
CHANGE = "mutation ($o: String!, $n: String!) { changePassword(oldPassword: $o, newPassword: $n) { endedSessions } }"


def send(origin: str, query: str, *, cookie: str = "", token: str = "", **variables: Any) -> dict[str, Any]:
    """The answer, whatever it says."""
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {token}",
        "Cookie": f"session={cookie}",
        "User-Agent": 'agent "quoted" \\ \xe2\x80\xa8',
        "X-Request-Id": "request-12345",
    }
    body = json.dumps({"query": query, "variables": variables}).encode()
    with urlopen(Request(f"{origin}/graphql", body, headers)) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def live(origin: str) -> list[str]:
    """All that a user does; the secrets that took part."""
    first = talk.register(origin, "alice")
    second = send(origin, SIGN_IN, n="alice", p=PASSWORD)["data"]["tokenAuth"]
    send(origin, SIGN_IN, n="alice", p=WRONG)
    third = talk.refresh(origin, second["refreshToken"])
    talk.refresh(origin, third["refreshToken"])
    send(origin, "mutation ($t: String) { refreshToken(refreshToken: $t) { token } }", t=second["refreshToken"])
    send(origin, CHANGE, token=first["token"], o=WRONG, n=NEW_PASSWORD)
    send(origin, CHANGE, token=first["token"], o=PASSWORD, n=NEW_PASSWORD)
    send(origin, "{ me { id } }", token=first["token"] + "x", cookie="cookies-are-secret")
    send(origin, "mutation ($t: String) { verifyToken(token: $t) { claims { sub } } }", t=third["token"] + "y")
    send(origin, "mutation ($t: String) { revokeToken(refreshToken: $t) { revoked } }", t="rubbish-of-a-token")
    send(origin, SIGN_IN, n={"not": WRONG}, p=[PASSWORD])
    send(origin, f'mutation {{ tokenAuth(username: "alice", password: "{WRONG}"')
    for address in (
        f"/graphql?query={{me{{id}}}}&variables={quote(json.dumps({'p': WRONG, 't': first['token']}))}",
        f"/graphql?query={{me{{id}}}}&variables={quote(WRONG)}",
        f"/nothing?p={quote(WRONG)}",
        FORGED,
    ):
        with suppress(HTTPError):
            urlopen(origin + address)
    pairs = (first, second, third)
    tokens = [part for pair in pairs for part in (pair["refreshToken"], *pair["token"].split(".")[1:])]
    return [PASSWORD, NEW_PASSWORD, WRONG, quote(WRONG), "cookies-are-secret", "rubbish-of-a-token", *tokens]


@pytest.mark.parametrize("debug", ["0", "1"])
def test_s90_s91_log_lines_have_no_secrets_and_cannot_be_forged(
    gateway_settings: Any, tmp_path: Path, debug: str
) -> None:
    (port,) = free_ports(1)
    talkative = {
        "GATEWAY_LOG_LEVEL": "DEBUG",
        "GATEWAY_LOG_FORMAT": "json",
        "DJANGO_DEBUG": debug,
        "EMAIL_URL": "smtp://127.0.0.1:1",
    }
    with running_gateway(tmp_path, port, {**gateway_settings, **talkative, "ALLOWED_HOSTS": "localhost"}) as origin:
        wait_until_ready(origin, tmp_path)
        secrets = live(origin)
    said = (tmp_path / f"{port}.log").read_text()
    assert [secret for secret in secrets if secret in said] == []
    lines = [json.loads(line) for line in said.split("\n") if line.startswith("{")]
    # Besides them, only the lines that `serve` prints at its start.
    others = [line for line in said.split("\n") if line and not line.startswith("{")]
    assert all(line.startswith(("GraphQL  ", "GraphiQL  ", "Admin  ")) for line in others), others
    assert said.replace("\n", "").isascii()
    assert said.replace("\n", "").isprintable()
    requests = [line for line in lines if line["event"] == "request"]
    assert {"SignIn", None} <= {line["operation"] for line in requests}
    assert {line["path"] for line in requests} >= {"/graphql", "/nothing", '/graphql\n{"event":"forged"}\x1b[31m\u2028'}
    trail = {line["event"] for line in lines if "agent" in line}
    assert {"account.registered", "session.opened", "sign_in.refused", "session.refreshed"} <= trail
    assert {line.get("request") for line in lines if line["event"] == "sign_in.refused"} == {"request-12345"}
    assert not [line for line in lines if line["event"] == "forged"]
