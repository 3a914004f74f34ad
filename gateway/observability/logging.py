"""Logging: one line per record, formatted by the calling thread and written to standard error by a background thread.

If standard error is not read, no request waits for it: the queue fills, and further lines are dropped and counted.
"""

import logging
import os
import time
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from queue import Full, Queue
from typing import Any

from prometheus_client import Counter

from users import log_context, metrics

QUEUE_SIZE = 5_000
# Seconds. There are two handlers, so together they delay the end of a process by a second at most.
FLUSH_TIMEOUT = 0.5
FLUSH_POLL_INTERVAL = 0.005
STANDARD_ERROR = 2

dropped_lines = Counter(
    "gateway_log_lines_dropped",
    "Log lines that were dropped because standard error was not read.",
    ["handler"],
    registry=metrics.registry,
)
log = logging.getLogger("gateway.logging")


def configuration(log_format: str, level: str) -> dict[str, Any]:
    """Return Django's `LOGGING`: all log records go to standard error in one format."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": JsonFormatter if log_format == "json" else ReadableFormatter},
            "message": {"format": "{message}", "style": "{"},
        },
        # Python 3.11 cannot configure a QueueHandler by its class, so a factory makes it on every version.
        "handlers": {
            "console": {"()": BackgroundHandler, "label": "console", "formatter": "line"},
            "audit": {"()": BackgroundHandler, "label": "audit", "formatter": "message"},
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # The message is a JSON object already. GATEWAY_LOG_LEVEL does not apply to the audit log.
            "gateway.audit": {"handlers": ["audit"], "level": "INFO", "propagate": False},
            # Django's own handlers would write every line a second time.
            "django": {"handlers": [], "propagate": True},
            # `gateway.graphql.errors` logs failures, with their request.
            "django.request": {"level": "CRITICAL"},
            # At DEBUG it would write every statement with its parameters.
            "django.db.backends": {"level": "INFO"},
        },
    }


class BackgroundHandler(QueueHandler):
    """Formats a record in the calling thread, which knows the request, and queues it for a thread that writes it."""

    def __init__(self, label: str, size: int = QUEUE_SIZE, descriptor: int = STANDARD_ERROR) -> None:
        self.lines: Queue[Any] = Queue(size)
        super().__init__(self.lines)
        self.label, self.size = label, size
        self.queued = self.dropped = 0
        self.writer = DescriptorHandler(label, descriptor)
        self.listener = QueueListener(self.lines, self.writer)
        self.listener.start()

    def enqueue(self, record: logging.LogRecord) -> None:
        """Queue a formatted record, or drop and count it if the queue is full."""
        try:
            super().enqueue(record)
        except Full:
            self.dropped += 1
            dropped_lines.labels(self.label).inc()
            return
        self.queued += 1
        if self.dropped and self.lines.qsize() <= self.size // 2:
            dropped, self.dropped = self.dropped, 0
            log.warning("dropped %d log lines because standard error was not read", dropped)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Log that a record cannot be formatted; printing it, as logging does, could block the request."""
        log.error("cannot format a record of the logger %s", record.name)

    def flush(self) -> None:
        """Wait until the queued lines are written, for a bounded time. Python calls this when the process ends."""
        deadline = time.monotonic() + FLUSH_TIMEOUT
        while self.writer.written < self.queued and time.monotonic() < deadline:
            time.sleep(FLUSH_POLL_INTERVAL)

    def close(self) -> None:
        """Stop the thread, unless it is blocked; it does not keep the process alive."""
        if self.writer.written == self.queued:
            self.listener.stop()
        super().close()


class DescriptorHandler(logging.Handler):
    """Writes lines to a file descriptor, standard error; only the background thread uses it.

    While that thread is blocked it holds no lock, neither the handler's nor that of `sys.stderr`: Python acquires both
    when the process ends.
    """

    def __init__(self, label: str, descriptor: int) -> None:
        super().__init__()
        self.label, self.descriptor, self.written = label, descriptor, 0

    def handle(self, record: logging.LogRecord) -> bool:
        """Write one line. Block until the descriptor accepts it."""
        unwritten = f"{record.getMessage()}\n".encode(errors="backslashreplace")
        try:
            while unwritten:
                unwritten = unwritten[os.write(self.descriptor, unwritten) :]
        except OSError:
            # The disk is full, or standard error is closed.
            dropped_lines.labels(self.label).inc()
        finally:
            self.written += 1
        return True


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object in ASCII, so that input cannot forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        fields = log_fields(record)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return log_context.json_line(
            {
                "event": record.getMessage(),
                "level": record.levelname.lower(),
                "logger": record.name,
                **fields,
                "at": timestamp(record),
            }
        )


class ReadableFormatter(logging.Formatter):
    """Formats a record for people. Input of clients is escaped here too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, followed by the indented lines of its traceback."""
        fields = "".join(f" {name}={escape(str(value))}" for name, value in log_fields(record).items())
        first = f"{timestamp(record)} {record.levelname:8} {record.name}: {escape(record.getMessage())}{fields}"
        if not record.exc_info:
            return first
        traceback = self.formatException(record.exc_info).splitlines()
        return "\n".join([first, *(f"    {escape(line)}" for line in traceback)])


def log_fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return the request id and what the gateway's own calls pass as `extra={"fields": …}`.

    Nothing else of the record: Django adds the request, whose representation contains the query string.
    """
    return {**log_context.fields(), **getattr(record, "fields", {})}


def timestamp(record: logging.LogRecord) -> str:
    """Return when the record was made, in UTC, to the microsecond."""
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def escape(text: str) -> str:
    """Return the text in printable ASCII."""
    return text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode()
