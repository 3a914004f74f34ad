"""The mail worker: it survives errors, and stops at a signal."""

import logging
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core import mail as outgoing
from django.core.exceptions import SuspiciousOperation
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from tests import mailbox
from users.caller import Caller
from users.mail import messages, outbox
from users.management.commands import db_worker
from users.models import User

SECRET = "connection to alice@example.com token=hunter2 failed"
TROUBLES = [OperationalError(SECRET), InterfaceError(SECRET), KeyError(SECRET), SuspiciousOperation(SECRET)]


class Enough(BaseException):
    """Ends what would go on for ever."""


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave this process's signals and loggers as they were, and do not wait."""
    monkeypatch.setattr(db_worker, "PAUSE", 0)
    tasks = logging.getLogger("django_tasks")
    signals, level = (
        {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)},
        tasks.level,
    )
    yield
    tasks.setLevel(level)
    for each, handler in signals.items():
        signal.signal(each, handler)


@pytest.fixture
def troubled(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Makes the library's worker end in one trouble after another, and then well; what it was started with."""

    def trouble(*troubles: BaseException) -> list[Any]:
        left, starts = list(troubles), []

        def handle(self: Any, **options: Any) -> None:
            starts.append(options)
            if left:
                raise left.pop(0)

        monkeypatch.setattr(db_worker.Worker, "handle", handle)
        monkeypatch.setattr(db_worker, "retry_failed", lambda parent_pid: None)
        return starts

    return trouble


def test_the_worker_goes_on_whatever_comes_between_and_quotes_nothing_of_it(
    troubled: Callable[..., list[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    starts = troubled(*TROUBLES)
    call_command("db_worker")
    assert len(starts) == len(TROUBLES) + 1
    said = [each.getMessage() for each in caplog.records]
    assert said == [f"cannot send mail, retry in 0 s: {type(each).__name__}" for each in TROUBLES]
    assert not any(each.exc_info for each in caplog.records)


def test_the_worker_stops_at_what_was_mistyped(troubled: Callable[..., list[Any]]) -> None:
    starts = troubled(CommandError("--exclude-queues"))
    with pytest.raises(CommandError):
        call_command("db_worker")
    assert len(starts) == 1


def test_a_signal_to_stop_is_not_forgotten_over_a_failure(troubled: Callable[..., list[Any]]) -> None:
    starts = troubled(*TROUBLES)
    worker = mailbox.mail_worker()
    worker.configure_signals()
    # It has a letter in hand, and so does not leave at once.
    worker.running_task = True
    signal.raise_signal(signal.SIGTERM)
    call_command("db_worker")
    assert len(starts) == 1


def test_the_worker_neither_reloads_nor_waits_to_start(troubled: Callable[..., list[Any]], settings: Any) -> None:
    settings.DEBUG = True
    starts = troubled()
    call_command("db_worker")
    assert [(each["reload"], each["startup_delay"]) for each in starts] == [(False, False)]


def test_reload_is_ignored(troubled: Callable[..., list[Any]]) -> None:
    starts = troubled()
    call_command("db_worker", "--reload")
    assert [each["reload"] for each in starts] == [False]


def test_what_failed_is_looked_after_again_whatever_came_between(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left = [*TROUBLES, Enough()]

    def look() -> int:
        raise left.pop(0)

    monkeypatch.setattr(outbox, "retry_failed", look)
    monkeypatch.setattr(db_worker, "close_old_connections", lambda: None)
    monkeypatch.setattr(db_worker.connections, "close_all", lambda: None)
    with pytest.raises(Enough):
        db_worker.retry_failed(0)
    assert left == []
    assert SECRET not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_batch_sends_what_is_due_and_ends() -> None:
    for address in ("alice@example.com", "bob@example.com", "carol@example.com"):
        User.objects.create_user(address.partition("@")[0], address, is_email_verified=True)
        outbox.queue(Caller(), messages.account_exists, user=None, address=address)
    _, second, third = DBTaskResult.objects.order_by("enqueued_at")
    past, future = timezone.now() - 2 * outbox.LEASE, timezone.now() + outbox.MAX_RETRY_DELAY
    DBTaskResult.objects.filter(id=second.id).update(run_after=future)
    DBTaskResult.objects.filter(id=third.id).update(status=TaskResultStatus.RUNNING, started_at=past)
    call_command("db_worker", batch=True)
    states = DBTaskResult.objects.order_by("enqueued_at").values_list("status", flat=True)
    assert list(states) == [TaskResultStatus.SUCCESSFUL, TaskResultStatus.READY, TaskResultStatus.READY]
    assert [each.to for each in outgoing.outbox] == [["alice@example.com"]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "row", [{"args_kwargs": {}}, {"task_path": "users.mail.messages.renamed"}, {"args_kwargs": []}]
)
def test_a_row_that_no_letter_can_be_made_of_stops_no_other(
    row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db_worker, "retry_failed", lambda parent_pid: None)
    for name in ("alice", "bob"):
        User.objects.create_user(name, f"{name}@example.com", is_email_verified=True)
    outbox.queue(Caller(), messages.account_exists, user=None, address="alice@example.com")
    DBTaskResult.objects.update(**row)
    outbox.queue(Caller(), messages.account_exists, user=None, address="bob@example.com")
    while DBTaskResult.objects.filter(status=TaskResultStatus.READY).exists():
        call_command("db_worker", interval=0, max_tasks=1)
    assert [each.to for each in outgoing.outbox] == [["bob@example.com"]]


def test_the_rows_of_what_was_sent_are_tidied_away_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, tidied = [0.0], []

    def pause(seconds: float) -> None:
        clock[0] += 40
        if clock[0] > 200:
            raise Enough

    monkeypatch.setattr(db_worker.time, "sleep", pause)
    monkeypatch.setattr(db_worker.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(db_worker, "close_old_connections", lambda: None)
    monkeypatch.setattr(outbox, "retry_failed", lambda: 0)
    monkeypatch.setattr(outbox, "prune", lambda: tidied.append(clock[0]))
    monkeypatch.setattr(db_worker.throttle, "prune", lambda: 0)
    with pytest.raises(Enough):
        db_worker.retry_failed(0)
    assert tidied == [80, 160]
