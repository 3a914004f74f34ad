"""A storm of clients that remember what they were told, and an audit whether all of it is still so.

A fact is what an answer acknowledged: an account with its password, a session with its last refresh token, a
session that has ended. A client may lose an answer, and be told SERVICE_UNAVAILABLE or RATE_LIMITED; it asks again.
Anything else that it is told is a violation.
"""

import http.client
import itertools
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.api import PASSWORD

PATIENCE = 15
TOLERATED = {"SERVICE_UNAVAILABLE", "RATE_LIMITED"}
JOIN = """mutation ($n: String!, $e: String!, $p: String!) {
    register(username: $n, email: $e, password: $p) { token refreshToken } }"""
SIGN_IN = "mutation ($n: String!, $p: String!) { tokenAuth(username: $n, password: $p) { token refreshToken } }"
REFRESH = "mutation ($t: String) { refreshToken(refreshToken: $t) { token refreshToken } }"
REVOKE = "mutation ($t: String) { revokeToken(refreshToken: $t) { revoked } }"
ME = "{ me { username } }"


class Lost(Exception):
    """No answer, or one that says to ask again."""


class Violation(Exception):
    """An answer that nobody may get."""


@dataclass
class Facts:
    """What was acknowledged."""

    accounts: set[str] = field(default_factory=set)
    # By a token that never changes while the session lives: its first.
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)


class Storm:
    """So many people who register, sign in, read, refresh and leave, until they are told to stop."""

    def __init__(self, *origins: str, people: int = 6, **headers: str) -> None:
        self.origins, self.people, self.headers = itertools.cycle(origins), people, headers
        self.facts = Facts()
        self.told: Counter[str] = Counter()
        self.violations: list[str] = []
        self.slowest = 0.0
        self.is_over, self.may_ask = threading.Event(), threading.Event()
        self.may_ask.set()
        self.threads: list[threading.Thread] = []

    @contextmanager
    def raging(self) -> Iterator["Storm"]:
        """Within, the storm rages; afterwards all have ended, and none saw what nobody may see."""
        self.threads = [threading.Thread(target=self._live, daemon=True) for _ in range(self.people)]
        for thread in self.threads:
            thread.start()
        try:
            yield self
        finally:
            self.is_over.set()
            self.may_ask.set()
            for thread in self.threads:
                thread.join(4 * PATIENCE)
        assert not any(thread.is_alive() for thread in self.threads), "somebody still waits"
        assert not self.violations, self.violations[:5]

    def await_progress(self, steps: int = 40) -> None:
        """Wait until so many more calls have succeeded."""
        self._await("OK", steps)

    def await_refusals(self, count: int) -> None:
        """Wait until so many more calls were told that the gateway cannot serve them now."""
        self._await("SERVICE_UNAVAILABLE", count)

    def lost(self) -> int:
        """How many calls had no answer, or one that says to ask again."""
        return sum(count for what, count in self.told.items() if what != "OK")

    def audit(self, origin: str) -> None:
        """Whether every fact holds: accounts sign in, sessions go on, what ended is over."""
        for name in self.facts.accounts:
            assert told(origin, SIGN_IN, n=name, p=PASSWORD)["data"]["tokenAuth"], name
        for name, last in self.facts.sessions.values():
            answer = told(origin, REFRESH, t=last)
            assert answer["data"]["refreshToken"], (name, answer)
            assert told(origin, ME, token=answer["data"]["refreshToken"]["token"])["data"]["me"]["username"] == name
        for token in self.facts.ended:
            assert told(origin, REFRESH, t=token)["errors"][0]["extensions"]["code"] == "TOKEN_INVALID"
        assert self.facts.accounts, "nothing came to be a fact"

    def _await(self, what: str, count: int) -> None:
        goal, deadline = self.told[what] + count, time.monotonic() + 2 * PATIENCE
        while self.told[what] < goal:
            assert not self.violations, self.violations[:5]
            assert time.monotonic() < deadline, f"no {what} any more: {self.told}"
            time.sleep(0.02)

    def _live(self) -> None:
        while not self.is_over.is_set():
            try:
                self._visit()
            except Lost:
                self.is_over.wait(0.05)
            except Exception as failure:
                self.violations.append(f"{type(failure).__name__}: {failure}")
                return

    def _visit(self) -> None:
        # A name that was sent without an answer may be taken: each try has its own.
        name = f"u{secrets.token_hex(8)}"
        pair = self._ask("register", JOIN, n=name, e=f"{name}@example.com", p=PASSWORD)
        self.facts.accounts.add(name)
        self.facts.sessions[pair["refreshToken"]] = name, pair["refreshToken"]
        self._carry_on(name, pair)
        second = self._again("tokenAuth", SIGN_IN, n=name, p=PASSWORD)
        if second is None:
            return
        self._again("revokeToken", REVOKE, t=second["refreshToken"], then=self.facts.ended.append)

    def _carry_on(self, name: str, pair: Any) -> None:
        first = pair["refreshToken"]
        for _ in range(4):
            seen = self._again("me", ME, token=pair["token"])
            if seen is not None and seen["username"] != name:
                raise Violation(f"{name} is told to be {seen['username']}")
            following = self._again("refreshToken", REFRESH, t=pair["refreshToken"])
            if following is None:
                return
            pair = following
            self.facts.sessions[first] = name, pair["refreshToken"]

    def _again(self, root: str, query: str, then: Callable[[str], None] | None = None, **variables: Any) -> Any:
        """What is answered in the end, however often it takes; nothing where the storm is over before."""
        while True:
            try:
                answer = self._ask(root, query, **variables)
                if then:
                    then(variables["t"])
                return answer
            except Lost:
                if self.is_over.wait(0.05):
                    return None

    def _ask(self, root: str, query: str, **variables: Any) -> Any:
        self.may_ask.wait()
        start = time.monotonic()
        try:
            answer = told(next(self.origins), query, headers=self.headers, **variables)
        except Lost as loss:
            self.told[str(loss)] += 1
            raise
        finally:
            self.slowest = max(self.slowest, time.monotonic() - start)
        if "errors" in answer:
            code = answer["errors"][0]["extensions"]["code"]
            if code not in TOLERATED:
                raise Violation(f"{root}: {answer}")
            self.told[code] += 1
            raise Lost(code)
        self.told["OK"] += 1
        return answer["data"][root]


def told(origin: str, query: str, *, token: str = "", headers: dict[str, str] | None = None, **variables: Any) -> Any:
    """The JSON that answers a document; a violation where it is none, or where an error has no code."""
    more = {"Authorization": f"Bearer {token}"} if token else {}
    body = json.dumps({"query": query, "variables": variables}).encode()
    status, kind, content = call(origin, "/graphql", body, {**(headers or {}), **more})
    if not kind.startswith("application/json"):
        raise Violation(f"{status} {kind}: {content[:200]!r}")
    answer = json.loads(content)
    if any("code" not in error["extensions"] for error in answer.get("errors", ())):
        raise Violation(f"an error without a code: {answer}")
    return answer


def call(
    origin: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, str, bytes]:
    """Status, type and content of an answer on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(origin).netloc, timeout=PATIENCE)
    try:
        connection.request(
            "POST" if body else "GET", path, body, {"Content-Type": "application/json", **(headers or {})}
        )
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type", ""), response.read()
    except TimeoutError:
        raise Violation(f"no answer within {PATIENCE} seconds") from None
    except (OSError, http.client.HTTPException) as failure:
        raise Lost(type(failure).__name__) from None
    finally:
        connection.close()
