"""Real workers, a real database between them, and a mail server that fails in every way: no letter is lost."""

import signal
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from django.db import connection
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from tests.api import Api, backdate
from tests.server import free_ports, hang_up
from tests.services.certificate import write_certificate
from tests.services.conftest import NEEDS_SERVER
from tests.services.mail_server import MailServer, misbehaving_server, running_mail_server, running_worker
from tests.waiting import wait_until
from users.caller import Caller
from users.mail import email_tokens, messages, outbox
from users.models import EmailToken, User

ALICE = "alice@example.com"
Work = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def work(gateway_settings: dict[str, str], port: int, tmp_path: Path) -> Work:
    """Starts a worker that brings its letters to the port."""

    def start(name: str = "worker", **more: str) -> AbstractContextManager[Any]:
        own = {"EMAIL_URL": f"smtp://127.0.0.1:{port}", "EMAIL_TIMEOUT": "1", **more}
        return running_worker(tmp_path, gateway_settings | own, name=name)

    return start


@pytest.fixture
def alice(gateway_settings: dict[str, str]) -> User:
    return User.objects.create_user("alice", ALICE, "a password of hers")


def queue_mail() -> None:
    outbox.queue(Caller(), messages.verify_email, user=None, address=ALICE)


def make_due() -> None:
    """Make the mails that wait for their next attempt due."""
    outbox.retry_failed()
    DBTaskResult.objects.filter(status=TaskResultStatus.READY).update(run_after=timezone.now())


def wait_for_failures(count: int) -> None:
    """Wait for so many tries of the one letter that came to nothing."""
    make_due()

    def has_failed() -> bool:
        row = DBTaskResult.objects.get()
        assert row.status != TaskResultStatus.SUCCESSFUL
        return len(row.worker_ids) >= count and row.status != TaskResultStatus.RUNNING

    wait_until(has_failed)


def wait_until_sent() -> None:
    """Wait for all letters to be noted as sent; their rows may be gone already."""

    def are_sent() -> bool:
        make_due()
        return outbox.count_waiting() == 0

    wait_until(are_sent)


def is_valid(token: str) -> bool:
    """Return whether a mailed token is valid."""
    return bool(email_tokens.find(Caller(), EmailToken.Purpose.VERIFY, token=token))


def send_nothing(guest: socket.socket) -> None:
    """Send no greeting."""


def send_slowly(guest: socket.socket) -> None:
    """Greet slowly, and then say something that is no greeting."""
    for letter in b"220\r\nrubbish\r\n":
        guest.sendall(bytes([letter]))
        time.sleep(0.02)
    guest.shutdown(socket.SHUT_RDWR)


UNREACHABLE: dict[str, Callable[[socket.socket], None]] = {
    "silent": send_nothing,
    "busy": lambda guest: guest.sendall(b"421 too busy for token=x\r\n"),
    "closed": lambda guest: guest.sendall(b"554 no mail here\r\n"),
    "hangs up": lambda guest: guest.shutdown(socket.SHUT_RDWR),
    "drips": send_slowly,
}
REFUSALS = {"MAIL": "450 later", "RCPT": "451 greylisted", "DATA": "452 full"}
FINAL_REFUSALS = {"MAIL": "550 not you", "RCPT": "550 not them", "DATA": "554 not this"}


def test_mail_is_sent_after_an_outage_of_the_mail_server(work: Work, port: int, alice: User) -> None:
    queue_mail()
    with work():
        wait_for_failures(1)
        for tries, greet in enumerate(UNREACHABLE.values(), start=2):
            with misbehaving_server(port, greet) as guests:
                wait_for_failures(tries)
            assert len(guests) == 1
        with running_mail_server(port, MailServer()) as postbox:
            wait_until_sent()
    assert [message["X-To"] for message in postbox.messages] == [ALICE]
    assert is_valid(postbox.tokens[0])
    assert len(DBTaskResult.objects.get().worker_ids) == len(UNREACHABLE) + 2


def test_mail_is_sent_after_temporary_refusals_of_each_command(work: Work, port: int, alice: User) -> None:
    queue_mail()
    with running_mail_server(port, MailServer()) as postbox:
        refusals = [{verb: said} for each in (REFUSALS, FINAL_REFUSALS) for verb, said in each.items()]
        postbox.refusals = refusals[0]
        with work():
            for tries, refusal in enumerate(refusals, start=1):
                postbox.refusals = refusal
                wait_for_failures(tries)
            postbox.refusals = {}
            wait_until_sent()
    assert len(postbox.messages) == 1
    assert is_valid(postbox.tokens[0])


def test_lost_confirmation_sends_the_mail_again_with_a_new_token(work: Work, port: int, alice: User) -> None:
    queue_mail()
    with running_mail_server(port, MailServer()) as postbox, work():
        postbox.refusals = {"yes": "lost"}
        wait_for_failures(1)
        postbox.refusals = {}
        wait_until_sent()
    assert len(postbox.messages) == 2
    # A mailbox that took them for one could keep the first, whose link the second made void.
    assert len({message["Message-ID"] for message in postbox.messages}) == 2
    assert is_valid(postbox.tokens[1])


def test_mail_of_a_killed_worker_is_sent_by_another(work: Work, port: int, alice: User) -> None:
    queue_mail()
    with running_mail_server(port, MailServer()) as postbox:
        postbox.hold()
        with work("first") as first:
            wait_until(postbox.in_hand.is_set)
            first.send_signal(signal.SIGKILL)
            first.wait()
        make_due()
        assert DBTaskResult.objects.get().status == TaskResultStatus.RUNNING
        postbox.let_go.set()
        backdate(DBTaskResult.objects, outbox.LEASE, "started_at")
        with work("second"):
            wait_until_sent()
    assert len(postbox.messages) == 1
    assert is_valid(postbox.tokens[0])
    assert DBTaskResult.objects.get().worker_ids == ["first", "second"]


def test_stopped_worker_finishes_its_mail_and_takes_no_other(work: Work, port: int, alice: User) -> None:
    queue_mail()
    with running_mail_server(port, MailServer()) as postbox:
        postbox.hold()
        with work(EMAIL_TIMEOUT="20") as worker:
            wait_until(postbox.in_hand.is_set)
            queue_mail()
            worker.terminate()
            postbox.let_go.set()
            assert worker.wait() == 0
    states = DBTaskResult.objects.order_by("enqueued_at").values_list("status", flat=True)
    assert list(states) == [TaskResultStatus.SUCCESSFUL, TaskResultStatus.READY]
    assert len(postbox.messages) == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason=NEEDS_SERVER)
def test_mail_is_sent_once_if_the_database_closes_the_connections(work: Work, port: int, alice: User) -> None:
    queue_mail()
    with running_mail_server(port, MailServer()) as postbox:
        postbox.hold()
        with work(EMAIL_TIMEOUT="20"):
            wait_until(postbox.in_hand.is_set)
            hang_up()
            postbox.let_go.set()
            wait_until_sent()
            hang_up()
            queue_mail()
            wait_until_sent()
    assert len(postbox.messages) == 2


@pytest.mark.parametrize("scheme", ["smtp+tls", "smtp+ssl"])
def test_mail_is_sent_with_a_password_to_a_server_with_a_trusted_certificate(
    scheme: str, work: Work, port: int, alice: User, tmp_path: Path
) -> None:
    certificate, context = certified(tmp_path)
    seen: list[tuple[bytes, bytes]] = []

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=True)

    # Of a connection that is encrypted from the beginning, this server does not know that it is.
    how: dict[str, Any] = {
        "smtp+tls": {"tls_context": context, "require_starttls": True, "auth_required": True},
        "smtp+ssl": {"ssl_context": context, "auth_require_tls": False},
    }[scheme]
    url = f"{scheme}://me%40mail.example:a+b%2Fc@127.0.0.1:{port}"
    queue_mail()
    with running_mail_server(port, MailServer(), authenticator=authenticate, **how) as postbox:
        with work("distrustful", EMAIL_URL=url):
            wait_for_failures(1)
        assert not postbox.messages
        assert not seen
        with work("trusting", EMAIL_URL=url, SSL_CERT_FILE=str(certificate)):
            wait_until_sent()
    assert len(postbox.messages) == 1
    assert set(seen) == {(b"me@mail.example", b"a+b/c")}


def certified(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return a certificate for this machine, and the TLS context of a server that has it."""
    certificate, key = write_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def test_requests_never_connect_to_the_mail_server(api: Api, settings: Any, port: int, statements: Any) -> None:
    api.register("first")
    with statements() as usual:
        assert api.register("alice").data
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", port
    with statements() as while_away:
        assert api.register("bob").data
    with misbehaving_server(port, send_nothing) as guests, statements() as while_silent:
        assert api.register("carol").data
    assert guests == []
    assert len(usual) == len(while_away) == len(while_silent)
    assert outbox.count_waiting() == 4
