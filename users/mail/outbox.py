"""Mail: a letter is queued with its cause, and sent by a worker until a server takes it or a day is over.

1. A letter is a row that commits with its cause or not at all. It says what happened, to whom; tokens are made when it
   is written out, just before it is sent, so that no secret waits in the queue.
2. The worker claims a row before it sends: two workers never send one letter. A row that failed is claimed again
   after a wait that grows; a row whose worker died, when no worker can be at it any more.
3. A letter is sent twice only where a server took it and its yes did not reach us, or its worker died before it was
   noted: SMTP leaves no other choice. What a letter proves is made anew by every try, so each has a Message-ID of its
   own: a mailbox that took them for one could keep the first, whose link the second made void.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parseaddr
from typing import Any, Literal

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone
from django_tasks import TaskContext, TaskResultStatus, task
from django_tasks.base import Task
from django_tasks_db.models import DBTaskResult

from users import normalization, pruning, throttle
from users.caller import Caller
from users.errors import Inspection
from users.models import User
from users.throttle import Lane

PATIENCE = timedelta(days=1)
# However slowly a server speaks: each of its words may take EMAIL_TIMEOUT, and nobody says how many come.
LONGEST_TRY = timedelta(minutes=2)
# Longer than any server can keep a worker busy with one letter.
LEASE = timedelta(minutes=5)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)
GIVEN_UP_KEPT = timedelta(days=7)
# The library has no state for what is given up: such a row has failed, and stands behind all others.
GIVEN_UP = Q(status=TaskResultStatus.FAILED, priority__lt=0)
log = logging.getLogger("gateway.mail")


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent: `<name>.txt` and `<name>.html` of the templates, to one address."""

    to: str
    subject: str
    name: str
    facts: dict[str, Any] = field(default_factory=dict)


class NotSent(Exception):
    """Why a letter is still here."""


Write = Callable[..., Letter | None]


def letter(write: Write) -> Task[..., None]:
    """Make a task of a function that writes a letter, or finds that there is nothing to say any more."""

    def deliver(context: TaskContext, **facts: Any) -> None:
        try:
            written = write(**facts)
            if written:
                with _in_time():
                    send(written, f"{context.task_result.id}.{context.attempt}")
        except Exception as failure:
            # By its kind alone: what a mail server says may quote the letter, and the row keeps what is raised.
            code = getattr(failure, "smtp_code", "")
            log.warning(
                "letter %s (%s) was not sent: %s %s",
                context.task_result.id,
                write.__name__,
                type(failure).__name__,
                code,
            )
            raise NotSent(type(failure).__name__) from None
        finally:
            # The database may have hung up meanwhile, and what became of the letter is to be noted.
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()

    # A queued row names the task by these. functools.wraps would also replace the signature, which the library checks.
    deliver.__module__, deliver.__qualname__, deliver.__name__ = write.__module__, write.__qualname__, write.__name__
    return task(takes_context=True)(deliver)


def admit(caller: Caller, email: str, *, to: Literal["prove", "reset"]) -> str:
    """Return the address in its one form; raise RateLimited if it, or the client, has asked for too many mails.

    Each purpose has limits of its own: asking for verification of an address, which may send nothing, uses up none of
    the mails that a forgotten password needs.
    """
    inspection = Inspection()
    address = inspection.clean("email", normalization.email, email)
    inspection.finish()
    here = throttle.lanes("mail_client", throttle.place(caller))
    throttle.count(caller, [*throttle.lanes("mail_address", address.lower(), to), *here])
    return address


def is_capped(address: str, *, to: Literal["prove", "reset"]) -> bool:
    """Count a mail to an address with a `+tag`; return whether its mailbox has had too many of them.

    The answer to the request must not depend on it, and verified addresses and those without a tag are not held to
    it: otherwise a stranger who asks for other tags would keep the owner from their own mail.
    """
    lanes = _variants(address, to)
    return bool(lanes) and not throttle.counted(lanes)


def unasked(address: str) -> list[Lane]:
    """Return the limits of mails that the owner of an address did not ask for.

    Separate from those of mails that were asked for, which would otherwise tell whether there was one of these.
    """
    return [*throttle.lanes("mail_address", address.lower(), "unasked"), *_variants(address, "unasked")]


def joining(caller: Caller) -> list[Lane]:
    """Return the limits of mails that registrations from one client send."""
    return throttle.lanes("mail_client", throttle.place(caller), "joining")


def _variants(address: str, to: str) -> list[Lane]:
    mailbox = normalization.mailbox(address)
    return [] if mailbox == address.lower() else throttle.lanes("mail_address", mailbox, to, "variants")


def notify(caller: Caller, letter: Task[..., None], *, user: User, **facts: Any) -> None:
    """Queue a letter that tells a user what happened; only so many until the address is proven."""
    if user.is_email_verified or throttle.counted(unasked(user.email)):
        queue(caller, letter, user=user, **facts)


def queue(caller: Caller, letter: Task[..., None], *, user: User | None, address: str = "", **facts: Any) -> None:
    """Queue a letter about what the caller did, to a user's address as it is now or to the given one."""
    facts |= {
        "user": str(user.id) if user else None,
        "address": address or (user.email if user else ""),
        "at": timezone.now().isoformat(),
        "ip": caller.ip_address,
        "agent": caller.user_agent,
    }
    letter.enqueue(**facts)


def send(letter: Letter, id: str) -> None:
    """Hand a letter to the mail server, under the name of this try."""
    facts = letter.facts | {"product": settings.GATEWAY_NAME, "subject": letter.subject}
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    message = EmailMultiAlternatives(
        subject=letter.subject,
        body=render_to_string(f"mail/{letter.name}.txt", facts),
        to=[letter.to],
        # Auto-Submitted keeps absence notes from answering (RFC 3834).
        headers={"Message-ID": f"<{id}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string(f"mail/{letter.name}.html", facts), "text/html")
    message.send()


def tend() -> int:
    """Queue again what failed or was left by a dead worker, and give up what is too old; how many were queued."""
    now, queued = timezone.now(), 0
    failed = Q(status=TaskResultStatus.FAILED) & ~GIVEN_UP
    left = Q(status=TaskResultStatus.RUNNING, started_at__lt=now - LEASE)
    for row in DBTaskResult.objects.filter(failed | left).order_by("enqueued_at")[: pruning.BATCH]:
        # Compare and swap: of several workers that look, one finds it as it was.
        same = DBTaskResult.objects.filter(id=row.id, status=row.status, started_at=row.started_at)
        if row.enqueued_at < now - PATIENCE:
            _give_up(same, row)
        else:
            queued += same.update(status=TaskResultStatus.READY, run_after=now + _wait(len(row.worker_ids)))
    return queued


def discard() -> int:
    """Forget all letters; how many they were."""
    return pruning.delete(DBTaskResult.objects.all())


def count_waiting() -> int:
    """How many letters wait to be sent, or to be tried again."""
    return _waiting().count()


def oldest_seconds() -> float:
    """How long the oldest of them has waited."""
    oldest = _waiting().order_by("enqueued_at").values_list("enqueued_at", flat=True).first()
    return max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0


def count_given_up() -> int:
    """How many letters were given up in the last week."""
    return DBTaskResult.objects.filter(GIVEN_UP).count()


def prune() -> int:
    """Delete the rows of what was sent, and, after a week, of what was given up; how many there were."""
    over = timezone.now() - GIVEN_UP_KEPT
    sent = Q(status=TaskResultStatus.SUCCESSFUL)
    return pruning.delete(DBTaskResult.objects.filter(sent | (GIVEN_UP & Q(enqueued_at__lt=over))))


def _waiting() -> QuerySet[Any]:
    return DBTaskResult.objects.exclude(status=TaskResultStatus.SUCCESSFUL).exclude(GIVEN_UP)


@contextmanager
def _in_time() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        # Nothing interrupts it there; the worker is its process's main thread.
        yield
        return
    former = signal.signal(signal.SIGALRM, _interrupt)
    # Again and again: what is interrupted may want to take its leave of the server first.
    signal.setitimer(signal.ITIMER_REAL, LONGEST_TRY.total_seconds(), 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def _interrupt(*_: Any) -> None:
    raise TimeoutError


def _wait(tries: int) -> timedelta:
    return min(FIRST_WAIT * 2 ** min(tries - 1, 20), LONGEST_WAIT) if tries else FIRST_WAIT


def _give_up(same: QuerySet[Any], row: DBTaskResult[..., None]) -> None:
    if same.update(status=TaskResultStatus.FAILED, priority=-1):
        # By its path, which an upgrade may have left without a task.
        log.error("letter %s (%s) is given up after %d tries", row.id, row.task_path, len(row.worker_ids))
