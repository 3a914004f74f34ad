"""The outbox: mails are queued in the database, and a worker sends them until a mail server accepts them.

1. A mail is queued in the transaction of its cause. The row holds facts, no secrets: tokens are created when the
   message is built, just before it is sent.
2. A worker claims a row before it sends, so two workers never send one mail. A failed row is retried after a growing
   delay, and a row whose worker died after `LEASE`.
3. A mail is sent twice only if the server accepted it and its answer was lost, or if the worker died before it stored
   the success. Each attempt creates new tokens, so each has its own Message-ID: a mail program that dropped the second
   mail as a copy would keep the one with the invalid link.
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
from users.errors import FieldErrors
from users.models import User
from users.throttle import Bucket

MAX_AGE = timedelta(days=1)
# For the whole conversation. EMAIL_TIMEOUT limits each answer of the mail server, but not their number.
SEND_TIMEOUT = timedelta(minutes=2)
# Longer than any attempt to send takes.
LEASE = timedelta(minutes=5)
FIRST_RETRY_DELAY, MAX_RETRY_DELAY = timedelta(seconds=5), timedelta(hours=1)
GIVEN_UP_RETENTION = timedelta(days=7)
# The library has no state for this: such a row has failed and has a negative priority.
GIVEN_UP = Q(status=TaskResultStatus.FAILED, priority__lt=0)
log = logging.getLogger("gateway.mail")


@dataclass(frozen=True, slots=True)
class Message:
    """A message to one email, rendered from the templates `<name>.txt` and `<name>.html`."""

    to: str
    subject: str
    name: str
    facts: dict[str, Any] = field(default_factory=dict)


class SendError(Exception):
    """The attempt failed. The mail stays queued."""


Builder = Callable[..., Message | None]


def mail_task(build: Builder) -> Task[..., None]:
    """Turn a function that builds a message into a task that sends it. If it returns None, no mail is sent."""

    def deliver(context: TaskContext, **facts: Any) -> None:
        try:
            message = build(**facts)
            if message:
                with _send_timeout():
                    send(message, f"{context.task_result.id}.{context.attempt}")
        except Exception as failure:
            # Only the type of the error: its text may quote the mail, and the row stores it.
            code = getattr(failure, "smtp_code", "")
            log.warning(
                "cannot send mail %s (%s), retry later: %s %s",
                context.task_result.id,
                build.__name__,
                type(failure).__name__,
                code,
            )
            raise SendError(type(failure).__name__) from None
        finally:
            # The database may have closed the connection meanwhile, and the result must be stored.
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()

    # A queued row names the task by these. functools.wraps would also replace the signature, which the library checks.
    deliver.__module__, deliver.__qualname__, deliver.__name__ = build.__module__, build.__qualname__, build.__name__
    return task(takes_context=True)(deliver)


def accept_request(caller: Caller, email: str, *, purpose: Literal["verify", "reset"]) -> str:
    """Return the normalized email; raise RateLimited after too many requests for the email or from the client.

    Each purpose has limits of its own, so that requests for verification do not use up those for a password reset.
    """
    errors = FieldErrors()
    address = errors.clean("email", normalization.email, email)
    errors.raise_if_any()
    here = throttle.buckets("mail_client", throttle.place(caller))
    throttle.consume(caller, [*throttle.buckets("mail_address", address.lower(), purpose), *here])
    return address


def is_capped(address: str, *, purpose: Literal["verify", "reset"]) -> bool:
    """Count a mail to an email with a `+tag`; return whether its mailbox has received too many.

    The answer to the request must not depend on the result. Verified emails and those without a tag ignore it:
    otherwise a stranger who requests mails to other tags could block the owner's own mail.
    """
    buckets = _variant_buckets(address, purpose)
    return bool(buckets) and not throttle.try_consume(buckets)


def unrequested_buckets(address: str) -> list[Bucket]:
    """Return the limits of mails that the owner of an email did not request.

    They are separate from those of requested mails, which would otherwise reveal whether such a mail was sent.
    """
    return [*throttle.buckets("mail_address", address.lower(), "unasked"), *_variant_buckets(address, "unasked")]


def registration_buckets(caller: Caller) -> list[Bucket]:
    """Return the limits of mails that registrations of one client cause."""
    return throttle.buckets("mail_client", throttle.place(caller), "joining")


def _variant_buckets(address: str, purpose: str) -> list[Bucket]:
    mailbox = normalization.mailbox(address)
    return [] if mailbox == address.lower() else throttle.buckets("mail_address", mailbox, purpose, "variants")


def notify(caller: Caller, message: Task[..., None], *, user: User, **facts: Any) -> None:
    """Queue a mail that informs a user. Unverified emails receive only a limited number."""
    if user.is_email_verified or throttle.try_consume(unrequested_buckets(user.email)):
        queue(caller, message, user=user, **facts)


def queue(caller: Caller, message: Task[..., None], *, user: User | None, address: str = "", **facts: Any) -> None:
    """Queue a mail about an action of the caller, to the given email or to the current email of the user."""
    facts |= {
        "user": str(user.id) if user else None,
        "address": address or (user.email if user else ""),
        "at": timezone.now().isoformat(),
        "ip": caller.ip_address,
        "agent": caller.user_agent,
    }
    message.enqueue(**facts)


def send(message: Message, id: str) -> None:
    """Send a message to the mail server. `id` becomes part of its Message-ID."""
    facts = message.facts | {"product": settings.GATEWAY_NAME, "subject": message.subject}
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=render_to_string(f"mail/{message.name}.txt", facts),
        to=[message.to],
        # Auto-Submitted prevents automatic replies (RFC 3834).
        headers={"Message-ID": f"<{id}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string(f"mail/{message.name}.html", facts), "text/html")
    mail.send()


def retry_failed() -> int:
    """Queue failed mails and those of dead workers again; give up old ones. Return how many were queued."""
    now, queued = timezone.now(), 0
    failed = Q(status=TaskResultStatus.FAILED) & ~GIVEN_UP
    abandoned = Q(status=TaskResultStatus.RUNNING, started_at__lt=now - LEASE)
    for row in DBTaskResult.objects.filter(failed | abandoned).order_by("enqueued_at")[: pruning.BATCH]:
        # Compare-and-swap: of several workers, one changes the row.
        unchanged = DBTaskResult.objects.filter(id=row.id, status=row.status, started_at=row.started_at)
        if row.enqueued_at < now - MAX_AGE:
            _give_up(unchanged, row)
        else:
            queued += unchanged.update(status=TaskResultStatus.READY, run_after=now + _retry_delay(len(row.worker_ids)))
    return queued


def delete_all() -> int:
    """Delete all mails, and return how many."""
    return pruning.delete(DBTaskResult.objects.all())


def count_waiting() -> int:
    """Return the number of mails that are queued, including those to be retried."""
    return _waiting().count()


def oldest_age() -> float:
    """Return the age of the oldest queued mail in seconds."""
    oldest = _waiting().order_by("enqueued_at").values_list("enqueued_at", flat=True).first()
    return max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0


def count_given_up() -> int:
    """Return the number of mails that were given up in the last week."""
    return DBTaskResult.objects.filter(GIVEN_UP).count()


def prune() -> int:
    """Delete the rows of sent mails, and those given up more than a week ago; return how many."""
    over = timezone.now() - GIVEN_UP_RETENTION
    sent = Q(status=TaskResultStatus.SUCCESSFUL)
    return pruning.delete(DBTaskResult.objects.filter(sent | (GIVEN_UP & Q(enqueued_at__lt=over))))


def _waiting() -> QuerySet[Any]:
    return DBTaskResult.objects.exclude(status=TaskResultStatus.SUCCESSFUL).exclude(GIVEN_UP)


@contextmanager
def _send_timeout() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        # Signals interrupt only the main thread, in which the worker runs.
        yield
        return
    previous = signal.signal(signal.SIGALRM, _interrupt)
    # Repeated, because smtplib may send QUIT after the first interruption.
    signal.setitimer(signal.ITIMER_REAL, SEND_TIMEOUT.total_seconds(), 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _interrupt(*_: Any) -> None:
    raise TimeoutError


def _retry_delay(attempts: int) -> timedelta:
    return min(FIRST_RETRY_DELAY * 2 ** min(attempts - 1, 20), MAX_RETRY_DELAY) if attempts else FIRST_RETRY_DELAY


def _give_up(unchanged: QuerySet[Any], row: DBTaskResult[..., None]) -> None:
    if unchanged.update(status=TaskResultStatus.FAILED, priority=-1):
        # The path, because an upgrade may have removed the task.
        log.error("gave up on mail %s (%s) after %d attempts", row.id, row.task_path, len(row.worker_ids))
