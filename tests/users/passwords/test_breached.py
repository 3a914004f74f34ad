"""Passwords known to be stolen, asked of a range service of our own."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.api import NEW_PASSWORD, PASSWORD, Api
from users.passwords import breached

STOLEN = "a long and stolen passphrase"


def digest(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


class Service(HTTPServer):
    """Lists the stolen password, with a configurable answer."""

    body = f"{'0' * 35}:3\r\n{digest(STOLEN)[5:]}:7\r\n{digest(PASSWORD)[5:]}:0\r\n"
    status = 200
    pause = 0.0
    pauses = 0.0
    greeting = b""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.released = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.released.wait(self.server.pause)
        if self.server.greeting:
            self.wfile.write(self.server.greeting)
            return
        self.send_response(self.server.status)
        self.end_headers()
        for line in self.server.body.splitlines(keepends=True):
            self.server.released.wait(self.server.pauses)
            self.wfile.write(line.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def service(settings: Any) -> Iterator[Service]:
    server = Service()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    settings.GATEWAY_BREACH_URL = f"http://127.0.0.1:{server.server_port}/range/{{prefix}}"
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_stolen_password_is_refused_and_the_service_learns_five_digits(api: Api, service: Service) -> None:
    assert api.register("alice", password=STOLEN).field_errors == {("password", "PASSWORD_BREACHED")}
    assert service.asked == [f"/range/{digest(STOLEN)[:5]}"]


def test_padding_and_other_passwords_are_no_match(api: Api, service: Service) -> None:
    alice = api.new_member()
    assert api.change_password(alice.token, new=NEW_PASSWORD).data["changePassword"]
    assert api.change_password(alice.token, NEW_PASSWORD, STOLEN).field_errors == {("newPassword", "PASSWORD_BREACHED")}


@pytest.mark.parametrize("fault", ["failing", "babbling", "hanging", "dripping", "no HTTP", "gone"])
def test_without_an_answer_nothing_is_refused_and_the_log_says_so(
    service: Service, settings: Any, monkeypatch: Any, caplog: Any, fault: str
) -> None:
    monkeypatch.setattr(breached, "TIMEOUT", 0.1)
    match fault:
        case "failing":
            service.status = 503
        case "babbling":
            service.body = "\u2028"
        case "hanging":
            service.pause = 5.0
        case "dripping":
            service.pauses = 0.06
        case "no HTTP":
            service.greeting = b"NOT HTTP AT ALL\r\n"
        case "gone":
            settings.GATEWAY_BREACH_URL = "http://127.0.0.1:1/{prefix}"
    assert not breached.is_known(STOLEN)
    (line,) = caplog.messages
    assert line.startswith("cannot check the password for breaches")
    assert STOLEN not in line


def test_without_a_service_none_is_asked(api: Api, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(breached, "is_known", lambda password: pytest.fail("asked"))
    assert api.register("alice", password=STOLEN).data["register"]
