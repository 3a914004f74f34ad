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


def ask() -> None:
    outbox.queue(Caller(), messages.verify_email, user=None, address=ALICE)


def hurry() -> None:
    """Make the mails that wait for their next attempt due."""
    outbox.retry_failed()
    DBTaskResult.objects.filter(status=TaskResultStatus.READY).update(run_after=timezone.now())


def await_failures(count: int) -> None:
    """Wait for so many tries of the one letter that came to nothing."""
    hurry()

    def has_failed() -> bool:
        row = DBTaskResult.objects.get()
        assert row.status != TaskResultStatus.SUCCESSFUL
        return len(row.worker_ids) >= count and row.status != TaskResultStatus.RUNNING

    wait_until(has_failed)


def await_sent() -> None:
    """Wait for all letters to be noted as sent; their rows may be gone already."""

    def are_sent() -> bool:
        hurry()
        return outbox.count_waiting() == 0

    wait_until(are_sent)


def opens(token: str) -> bool:
    """Return whether a mailed token is valid."""
    return bool(email_tokens.find(Caller(), EmailToken.Purpose.VERIFY, token=token))


def say_nothing(guest: socket.socket) -> None:
    """Send no greeting."""


def drip(guest: socket.socket) -> None:
    """Greet slowly, and then say something that is no greeting."""
    for letter in b"220\r\nrubbish\r\n":
        guest.sendall(bytes([letter]))
        time.sleep(0.02)
    guest.shutdown(socket.SHUT_RDWR)


UNREACHABLE: dict[str, Callable[[socket.socket], None]] = {
    "silent": say_nothing,
    "busy": lambda guest: guest.sendall(b"421 too busy for token=x\r\n"),
    "closed": lambda guest: guest.sendall(b"554 no mail here\r\n"),
    "hangs up": lambda guest: guest.shutdown(socket.SHUT_RDWR),
    "drips": drip,
}
REFUSALS = {"MAIL": "450 later", "RCPT": "451 greylisted", "DATA": "452 full"}
FINAL_REFUSALS = {"MAIL": "550 not you", "RCPT": "550 not them", "DATA": "554 not this"}


def test_a_letter_outlasts_a_server_that_is_away_silent_or_busy(work: Work, port: int, alice: User) -> None:
    ask()
    with work():
        await_failures(1)
        for tries, greet in enumerate(UNREACHABLE.values(), start=2):
            with misbehaving_server(port, greet) as guests:
                await_failures(tries)
            assert len(guests) == 1
        with running_mail_server(port, MailServer()) as postbox:
            await_sent()
    assert [message["X-To"] for message in postbox.messages] == [ALICE]
    assert opens(postbox.tokens[0])
    assert len(DBTaskResult.objects.get().worker_ids) == len(UNREACHABLE) + 2


def test_a_letter_outlasts_refusals_at_every_word(work: Work, port: int, alice: User) -> None:
    ask()
    with running_mail_server(port, MailServer()) as postbox:
        refusals = [{verb: said} for each in (REFUSALS, FINAL_REFUSALS) for verb, said in each.items()]
        postbox.refusals = refusals[0]
        with work():
            for tries, refusal in enumerate(refusals, start=1):
                postbox.refusals = refusal
                await_failures(tries)
            postbox.refusals = {}
            await_sent()
    assert len(postbox.messages) == 1
    assert opens(postbox.tokens[0])


def test_a_yes_that_was_lost_makes_a_second_letter_that_is_no_copy(work: Work, port: int, alice: User) -> None:
    ask()
    with running_mail_server(port, MailServer()) as postbox, work():
        postbox.refusals = {"yes": "lost"}
        await_failures(1)
        postbox.refusals = {}
        await_sent()
    assert len(postbox.messages) == 2
    # A mailbox that took them for one could keep the first, whose link the second made void.
    assert len({message["Message-ID"] for message in postbox.messages}) == 2
    assert opens(postbox.tokens[1])


def test_a_letter_in_the_hands_of_a_killed_worker_is_sent_by_another(work: Work, port: int, alice: User) -> None:
    ask()
    with running_mail_server(port, MailServer()) as postbox:
        postbox.hold()
        with work("first") as first:
            wait_until(postbox.in_hand.is_set)
            first.send_signal(signal.SIGKILL)
            first.wait()
        hurry()
        assert DBTaskResult.objects.get().status == TaskResultStatus.RUNNING
        postbox.let_go.set()
        backdate(DBTaskResult.objects, outbox.LEASE, "started_at")
        with work("second"):
            await_sent()
    assert len(postbox.messages) == 1
    assert opens(postbox.tokens[0])
    assert DBTaskResult.objects.get().worker_ids == ["first", "second"]


def test_stopped_worker_finishes_its_mail_and_takes_no_other(work: Work, port: int, alice: User) -> None:
    ask()
    with running_mail_server(port, MailServer()) as postbox:
        postbox.hold()
        with work(EMAIL_TIMEOUT="20") as worker:
            wait_until(postbox.in_hand.is_set)
            ask()
            worker.terminate()
            postbox.let_go.set()
            assert worker.wait() == 0
    states = DBTaskResult.objects.order_by("enqueued_at").values_list("status", flat=True)
    assert list(states) == [TaskResultStatus.SUCCESSFUL, TaskResultStatus.READY]
    assert len(postbox.messages) == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason=NEEDS_SERVER)
def test_a_letter_is_sent_once_though_the_database_hung_up_meanwhile(work: Work, port: int, alice: User) -> None:
    ask()
    with running_mail_server(port, MailServer()) as postbox:
        postbox.hold()
        with work(EMAIL_TIMEOUT="20"):
            wait_until(postbox.in_hand.is_set)
            hang_up()
            postbox.let_go.set()
            await_sent()
            hang_up()
            ask()
            await_sent()
    assert len(postbox.messages) == 2


@pytest.mark.parametrize("scheme", ["smtp+tls", "smtp+ssl"])
def test_letters_go_to_a_server_whose_certificate_is_trusted_with_a_password(
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
    ask()
    with running_mail_server(port, MailServer(), authenticator=authenticate, **how) as postbox:
        with work("distrustful", EMAIL_URL=url):
            await_failures(1)
        assert not postbox.messages
        assert not seen
        with work("trusting", EMAIL_URL=url, SSL_CERT_FILE=str(certificate)):
            await_sent()
    assert len(postbox.messages) == 1
    assert set(seen) == {(b"me@mail.example", b"a+b/c")}


def certified(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return a certificate for this machine, and the TLS context of a server that has it."""
    certificate, key = write_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def test_a_request_that_sends_mail_never_speaks_to_the_server(
    api: Api, settings: Any, port: int, statements: Any
) -> None:
    api.register("first")
    with statements() as usual:
        assert api.register("alice").data
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", port
    with statements() as while_away:
        assert api.register("bob").data
    with misbehaving_server(port, say_nothing) as guests, statements() as while_silent:
        assert api.register("carol").data
    assert guests == []
    assert len(usual) == len(while_away) == len(while_silent)
    assert outbox.count_waiting() == 4
