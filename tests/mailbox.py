"""The mail of tests: runs the mail worker, and reads the sent mails."""

import re
from dataclasses import dataclass
from typing import Any

from django.core import mail as outgoing
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from users.mail import outbox

TOKEN = re.compile(r"token=([\w-]+)")
CODE = re.compile(r"\b([A-Z0-9]{4}-[A-Z0-9]{4})\b")


def mail_worker() -> Worker:
    """The library's own, which ends when nothing is due."""
    return Worker(
        queue_names=["default"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="tests",
        excluded_queue_names=[],
    )


@dataclass(frozen=True)
class ReceivedMail:
    """A mail, as its reader has it."""

    message: Any

    @property
    def subject(self) -> str:
        return self.message.subject

    @property
    def text(self) -> str:
        return self.message.body

    @property
    def html(self) -> str:
        return self.message.alternatives[0][0]

    @property
    def token(self) -> str:
        return TOKEN.search(self.text)[1]

    @property
    def code(self) -> str:
        return CODE.search(self.text)[1]


def deliver() -> None:
    """Send all that is due, in this process and on its connection; `run` of the worker would close that."""
    outbox.retry_failed()
    runner = mail_worker()
    while row := DBTaskResult.objects.ready().first():
        row.claim("tests")
        runner.run_task(row)


def mails_to(address: str) -> list[ReceivedMail]:
    """All mail to an address, once what is due was sent; the oldest first."""
    deliver()
    return [ReceivedMail(message) for message in outgoing.outbox if message.to == [address]]


def last_mail_to(address: str) -> ReceivedMail:
    """The newest mail to an address."""
    return mails_to(address)[-1]


def count_queued_mails() -> int:
    """Return the number of queued, sent and failed mails."""
    return DBTaskResult.objects.count()
