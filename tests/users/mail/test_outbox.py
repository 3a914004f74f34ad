"""The queue: it commits with its cause, holds no secret, loses nothing, and sends nothing twice."""

import logging
import signal
import smtplib
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core import mail as outgoing
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from tests import mailbox
from tests.api import NEW_PASSWORD, PASSWORD, Api, backdate
from users.caller import Caller
from users.mail import email_tokens, messages, outbox
from users.models import User

ALICE = "alice@example.com"
CALLER = Caller(ip_address="192.0.2.1", user_agent="a browser")
REFUSAL = f"no mail for {ALICE} token=hunter2"


class Broken(EmailBackend):
    """A mail server that refuses, and says too much."""

    def send_messages(self, messages: list[Any]) -> int:
        raise smtplib.SMTPDataError(451, REFUSAL.encode())


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", ALICE, "a password of hers")


@pytest.fixture
def broken(settings: Any) -> Callable[[], None]:
    """Refuses all mail, until it is called."""
    sound = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "tests.users.mail.test_outbox.Broken"
    return lambda: setattr(settings, "EMAIL_BACKEND", sound)


def ask_for(user: User) -> None:
    outbox.queue(CALLER, messages.verify_email, user=None, address=user.email)


def row() -> Any:
    return DBTaskResult.objects.get()


def make_due() -> None:
    DBTaskResult.objects.update(run_after=timezone.now() - timedelta(seconds=1))


def texts() -> str:
    """Everything that every table holds."""
    return "\n".join(repr(each) for model in apps.get_models() for each in model.objects.values())


@pytest.mark.django_db(transaction=True)
def test_a_letter_commits_with_its_cause_and_is_gone_with_it() -> None:
    alice = User.objects.create_user("alice", ALICE, "a password of hers")
    with transaction.atomic():
        ask_for(alice)
        transaction.set_rollback(True)
    assert mailbox.mails_to(ALICE) == []
    with transaction.atomic():
        ask_for(alice)
    assert len(mailbox.mails_to(ALICE)) == 1


def test_a_queued_letter_is_what_the_library_would_have_queued(alice: User) -> None:
    outbox.queue(Caller(ip_address="192.0.2.1", user_agent="Agent"), messages.new_device, user=alice, device="phone")
    ours = DBTaskResult.objects.get()
    theirs = messages.new_device.enqueue(**ours.args_kwargs["kwargs"]).db_result
    theirs.refresh_from_db()
    own = {"id": ours.id, "enqueued_at": ours.enqueued_at}
    names = [field.attname for field in DBTaskResult._meta.concrete_fields]
    assert {name: getattr(ours, name) for name in names} == {name: getattr(theirs, name) for name in names} | own


def test_no_secret_that_is_mailed_is_ever_in_the_database(alice: User, broken: Callable[[], None]) -> None:
    ask_for(alice)
    outbox.queue(CALLER, messages.reset_password, user=None, address=ALICE)
    held = email_tokens.hold_email(alice, address="old@example.com")
    outbox.queue(CALLER, messages.email_changed, user=alice, address="old@example.com", held=str(held))
    before = texts()
    mailbox.deliver()
    before += texts()
    broken()
    outbox.retry_failed()
    make_due()
    sent = [*mailbox.mails_to(ALICE), *mailbox.mails_to("old@example.com")]
    assert len(sent) == 3
    kept = before + texts()
    secrets = [each.token for each in sent] + [each.code for each in sent if mailbox.CODE.search(each.text)]
    assert len(secrets) == 5
    for secret in secrets:
        assert secret not in kept
        assert secret.replace("-", "") not in kept
    assert REFUSAL not in kept


def test_a_failed_letter_waits_longer_each_time_and_arrives_in_the_end(alice: User, broken: Callable[[], None]) -> None:
    ask_for(alice)
    waits = []
    for _ in range(12):
        make_due()
        mailbox.deliver()
        # `deliver` looks after what failed before it sends, so this failure is still to be looked after.
        before = timezone.now()
        assert outbox.retry_failed() == 1
        waits.append(round((row().run_after - before).total_seconds()))
        assert not DBTaskResult.objects.ready().exists()
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    broken()
    assert mailbox.mails_to(ALICE) == []
    make_due()
    assert len(mailbox.mails_to(ALICE)) == 1


def test_a_letter_of_a_dead_worker_is_taken_up_after_the_lease_and_not_before(alice: User) -> None:
    ask_for(alice)
    row().claim("dead")
    backdate(DBTaskResult.objects, outbox.LEASE - timedelta(seconds=9), "started_at")
    assert outbox.retry_failed() == 0
    backdate(DBTaskResult.objects, timedelta(seconds=10), "started_at")
    assert outbox.retry_failed() == 1
    assert outbox.retry_failed() == 0
    make_due()
    assert len(mailbox.mails_to(ALICE)) == 1
    assert row().worker_ids == ["dead", "tests"]


@pytest.mark.parametrize("is_dead", [False, True])
def test_a_letter_is_given_up_after_a_day_with_one_line_and_never_sent_after(
    alice: User, broken: Callable[[], None], caplog: pytest.LogCaptureFixture, is_dead: bool
) -> None:
    ask_for(alice)
    row().claim("dead") if is_dead else mailbox.deliver()
    backdate(DBTaskResult.objects, outbox.MAX_AGE - timedelta(seconds=9), "enqueued_at", "started_at")
    assert outbox.retry_failed() == 1
    make_due()
    row().claim("dead") if is_dead else mailbox.deliver()
    backdate(DBTaskResult.objects, outbox.LEASE + timedelta(seconds=10), "enqueued_at", "started_at")
    caplog.clear()
    assert [outbox.retry_failed(), outbox.retry_failed()] == [0, 0]
    (said,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert said.getMessage() == f"gave up on mail {row().id} (users.mail.messages.verify_email) after 2 attempts"
    broken()
    make_due()
    assert mailbox.mails_to(ALICE) == []
    assert queue_is() == (0, 0.0, 1)


@pytest.mark.parametrize(
    "path", ["users.mail.messages.renamed", "users.gone.verify_email", "users.mail.messages._duration", "rubbish"]
)
def test_a_letter_that_an_upgrade_left_without_a_task_waits_for_one_and_stops_no_other(
    alice: User, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    ask_for(alice)
    DBTaskResult.objects.update(task_path=path)
    User.objects.create_user("bob", "bob@example.com", is_email_verified=True)
    outbox.queue(CALLER, messages.account_exists, user=None, address="bob@example.com")
    assert len(mailbox.mails_to("bob@example.com")) == 1
    backdate(DBTaskResult.objects.filter(task_path=path), timedelta(hours=1), "enqueued_at")
    assert outbox.retry_failed() == 1
    # Put back, or taken up by a worker of the newer version.
    DBTaskResult.objects.filter(task_path=path).update(task_path="users.mail.messages.verify_email")
    make_due()
    assert len(mailbox.mails_to(ALICE)) == 1
    DBTaskResult.objects.update(task_path=path, status=TaskResultStatus.FAILED)
    backdate(DBTaskResult.objects, timedelta(days=2), "enqueued_at")
    caplog.clear()
    outbox.retry_failed()
    assert f"({path}) after" in caplog.text


def queue_is() -> tuple[int, float, int]:
    return outbox.count_waiting(), outbox.oldest_age(), outbox.count_given_up()


def test_the_state_of_the_queue(alice: User, broken: Callable[[], None]) -> None:
    assert queue_is() == (0, 0.0, 0)
    for _ in range(3):
        ask_for(alice)
    first = DBTaskResult.objects.order_by("enqueued_at").first()
    assert queue_is()[::2] == (3, 0)
    mailbox.deliver()
    first.refresh_from_db()
    first.claim("another")
    assert queue_is()[::2] == (3, 0)
    backdate(DBTaskResult.objects.filter(id=first.id), timedelta(days=2), "enqueued_at", "started_at")
    outbox.retry_failed()
    backdate(DBTaskResult.objects.exclude(id=first.id), timedelta(hours=1), "enqueued_at")
    assert 3_600 <= outbox.oldest_age() < 3_700
    assert queue_is()[::2] == (2, 1)
    broken()
    make_due()
    mailbox.deliver()
    assert queue_is() == (0, 0.0, 1)


def test_what_was_sent_is_deleted_at_once_and_what_was_given_up_after_a_week(alice: User) -> None:
    for _ in range(4):
        ask_for(alice)
    sent, failed, ready, given_up = DBTaskResult.objects.order_by("enqueued_at")
    kept = {ready.id, failed.id, given_up.id}
    DBTaskResult.objects.filter(id=sent.id).update(status=TaskResultStatus.SUCCESSFUL)
    DBTaskResult.objects.filter(id=failed.id).update(status=TaskResultStatus.FAILED)
    DBTaskResult.objects.filter(id=given_up.id).update(status=TaskResultStatus.FAILED, priority=-1)
    backdate(DBTaskResult.objects, outbox.GIVEN_UP_RETENTION - timedelta(minutes=1), "enqueued_at")
    assert outbox.prune() == 1
    assert set(DBTaskResult.objects.values_list("id", flat=True)) == kept
    backdate(DBTaskResult.objects, timedelta(minutes=2), "enqueued_at")
    assert outbox.prune() == 1
    assert set(DBTaskResult.objects.values_list("id", flat=True)) == kept - {given_up.id}


def test_a_failing_letter_logs_its_kind_alone(
    alice: User, broken: Callable[[], None], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_for(alice)
    monkeypatch.setattr(logging.getLogger("django_tasks"), "disabled", True)
    mailbox.deliver()
    said = [each.getMessage() for each in caplog.records if each.name == "gateway.mail"]
    assert said == [f"cannot send mail {row().id} (verify_email), retry later: SMTPDataError 451"]
    assert "example.com" not in caplog.text
    assert "token" not in caplog.text
    assert "example.com" not in row().traceback
    assert row().traceback.endswith("SendError: SMTPDataError\n")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["ready", "failed", "left"])
def test_several_workers_never_send_one_letter_twice(
    state: str, run_concurrently: Callable[[list[Callable[[], None]]], Any], settings: Any
) -> None:
    alice = User.objects.create_user("alice", ALICE, "a password of hers")
    for _ in range(6):
        ask_for(alice)
    if state != "ready":
        status = {"failed": TaskResultStatus.FAILED, "left": TaskResultStatus.RUNNING}[state]
        DBTaskResult.objects.update(status=status, started_at=timezone.now() - 2 * outbox.LEASE, worker_ids=["dead"])

    def work() -> None:
        worker = mailbox.mail_worker()
        for _ in range(3):
            outbox.retry_failed()
            # A row at a time: two that write many, in whatever order, could wait for each other.
            for id in DBTaskResult.objects.values_list("id", flat=True):
                DBTaskResult.objects.filter(id=id, status=TaskResultStatus.READY).update(run_after=timezone.now())
            worker.run()

    run_concurrently([work] * 4)
    mine = [each for each in outgoing.outbox if each.to == [ALICE]]
    names = [each.extra_headers["Message-ID"] for each in mine]
    assert len(names) == len(set(names)) == 6
    assert DBTaskResult.objects.filter(status=TaskResultStatus.SUCCESSFUL).count() == 6


def test_a_worker_that_comes_too_late_takes_nothing_back(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ask_for(alice)
    row().claim("dead")
    backdate(DBTaskResult.objects, 2 * outbox.LEASE, "started_at")
    look = outbox._retry_delay

    def meanwhile(tries: int) -> timedelta:
        # Another worker has looked, queued it again, and sent it, since we saw it.
        DBTaskResult.objects.update(status=TaskResultStatus.RUNNING, started_at=timezone.now())
        return look(tries)

    monkeypatch.setattr(outbox, "_retry_delay", meanwhile)
    assert outbox.retry_failed() == 0
    assert row().status == TaskResultStatus.RUNNING


def test_endless_server_response_does_not_block_the_worker(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SEND_TIMEOUT", timedelta(seconds=0.3))
    left = threading.Event()
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.EMAIL_PORT = server.getsockname()[1]
        dripping = threading.Thread(target=drip, args=(server, left))
        dripping.start()
        ask_for(alice)
        mailbox.deliver()
        dripping.join()
    assert left.is_set()
    assert row().status == TaskResultStatus.FAILED
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_IGN
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def drip(server: socket.socket, left: threading.Event) -> None:
    """Greet without an end, each letter well in time."""
    guest, _ = server.accept()
    with guest:
        for _ in range(600):
            try:
                guest.sendall(b"2")
            except OSError:
                left.set()
                return
            time.sleep(0.05)


def test_send_timeout_is_shorter_than_the_lease() -> None:
    assert 2 * outbox.SEND_TIMEOUT < outbox.LEASE


def test_mail_has_one_message_id_in_all_attempts(
    alice: User, broken: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(Broken, "send_messages", lambda self, messages: seen.append(messages[0]) or 1 / 0)
    ask_for(alice)
    mailbox.deliver()
    broken()
    outbox.retry_failed()
    make_due()
    (sent,) = mailbox.mails_to(ALICE)
    names = {each.message()["Message-ID"] for each in (*seen, sent.message)}
    assert names == {f"<{row().id}.{attempt}@localhost>" for attempt in (1, 2)}


def test_a_letter_says_who_sends_it_and_asks_for_no_answer(alice: User, settings: Any) -> None:
    settings.DEFAULT_FROM_EMAIL = "Gateway <no-reply@auth.example>"
    ask_for(alice)
    sent = mailbox.last_mail_to(ALICE)
    message = sent.message.message()
    assert message["From"] == "Gateway <no-reply@auth.example>"
    assert message["To"] == ALICE
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@auth.example>")
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    for text in (sent.text, sent.html):
        assert settings.GATEWAY_NAME in text
        assert sent.token in text
        assert sent.code in text


EVIL = "<img src=//evil.example>\r\nBcc: eve@evil.example"


def test_what_strangers_wrote_stays_text(alice: User, settings: Any) -> None:
    settings.GATEWAY_NAME = "<b>Example</b>"
    User.objects.update(is_email_verified=True, full_name="<i>Alice</i> & “co”")
    caller = Caller(ip_address="192.0.2.1", user_agent=EVIL.replace("\r\n", ""))
    outbox.queue(caller, messages.new_device, user=User.objects.get(), device="<script>alert(1)</script>")
    sent = mailbox.last_mail_to(ALICE)
    for tag in ("<img", "<b>", "<i>", "<script"):
        assert tag not in sent.html
        assert tag in sent.text
    assert "&lt;i&gt;Alice&lt;/i&gt; &amp; “co”" in sent.html
    message = sent.message.message()
    assert message["Bcc"] is None
    assert sorted(message.keys()) == sorted(
        ["Content-Type", "MIME-Version", "Subject", "From", "To", "Message-ID", "Auto-Submitted", "Date"]
    )


def test_a_user_agent_over_http_stays_on_its_line(api: Api) -> None:
    alice = api.new_member("alice")
    User.objects.update(is_email_verified=True)
    document = """mutation ($old: String!, $new: String!) {
        changePassword(oldPassword: $old, newPassword: $new) { endedSessions }
    }"""
    agent = "evil\x85\u2028\x0b Subject: hello"
    assert api(document, {"old": PASSWORD, "new": NEW_PASSWORD}, token=alice.token, User_Agent=agent).data
    sent = mailbox.last_mail_to(ALICE)
    (line,) = [each for each in sent.text.splitlines() if "evil" in each]
    assert line.startswith("Browser or app:")
    assert line.endswith("Subject: hello")


@pytest.mark.parametrize("letter", ["reset_password", "new_device", "password_changed", "token_reused"])
@pytest.mark.parametrize("is_proven", [False, True])
def test_a_stranger_has_us_say_nothing_to_an_address_that_is_not_theirs(
    alice: User, letter: str, is_proven: bool
) -> None:
    User.objects.update(full_name="Win at evil.example", is_email_verified=is_proven)
    more = {} if letter == "reset_password" else {"device": "evil.example/device"}
    caller = Caller(user_agent="evil.example/agent")
    outbox.queue(caller, getattr(messages, letter), user=User.objects.get(), address=ALICE, **more)
    sent = mailbox.last_mail_to(ALICE)
    assert ("evil" in sent.text, "evil" in sent.html) == (is_proven, is_proven)
    assert ("Hello," in sent.text, "Hello," in sent.html) == (not is_proven, not is_proven)


def test_nor_to_an_address_that_is_theirs_no_more(alice: User) -> None:
    User.objects.update(full_name="Win at evil.example", is_email_verified=True)
    held = email_tokens.hold_email(alice, address="old@example.com")
    caller = Caller(ip_address="192.0.2.1", user_agent="evil.example/agent")
    outbox.queue(caller, messages.email_changed, user=alice, address="old@example.com", held=str(held))
    sent = mailbox.last_mail_to("old@example.com")
    for text in (sent.text, sent.html):
        assert "evil" not in text
        assert "192.0.2.1" in text


@pytest.mark.parametrize("host", ["testserver", "localhost"])
def test_links_are_of_the_settings_whatever_the_host(api: Api, settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.GATEWAY_ISSUER = "https://auth.example"
    settings.GATEWAY_RESET_URL = "https://app.example/reset#token={token}"
    api.new_member("alice")
    document = "mutation ($email: String!) { requestPasswordReset(email: $email) { __typename } }"
    assert api(document, {"email": ALICE}, Host=host, X_Forwarded_Host="evil.example").data
    sent = mailbox.last_mail_to(ALICE)
    assert f"https://app.example/reset#token={sent.token}" in sent.text
    for text in (sent.text, sent.html):
        assert host not in text
        assert "evil.example" not in text
