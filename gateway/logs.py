"""Logs: a JSON object a line, or readable lines for a developer; never a secret, never a forged line."""

import logging
import time
from functools import lru_cache
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor

from users import lines

# What no line tells need not be found out for each: the thread, the process, the place in the code.
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
logging._srcfile = None


def moment(seconds: float) -> str:
    """A moment in UTC, to the microsecond."""
    whole = int(seconds)
    return f"{second(whole)}.{int((seconds - whole) * 1_000_000):06}Z"


@lru_cache(maxsize=2)
def second(seconds: int) -> str:
    """The same to the second, written once for all that is said in it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def with_name(logger: Any, name: str, event: EventDict) -> EventDict:
    """An event and the name of the request under way."""
    return {**event, **lines.named()}


def with_facts(logger: Any, name: str, event: EventDict) -> EventDict:
    """An event and what our own calls add to it; Django adds the request, whose `repr` has the query string."""
    record = event["_record"]
    return {**event, **getattr(record, "facts", {}), "at": moment(record.created)}


COMMON: list[Processor] = [
    with_name,
    add_log_level,
    add_logger_name,
    with_facts,
    ProcessorFormatter.remove_processors_meta,
]


def configuration(form: str, level: str) -> dict[str, Any]:
    """Django's `LOGGING`: everything as lines of one form, on the standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": json_lines if form == "json" else readable_lines},
            "bare": {"format": "{message}", "style": "{"},
        },
        "handlers": {
            "console": {"class": "gateway.sinks.Sink", "formatter": "line"},
            "trail": {"class": "gateway.sinks.Sink", "formatter": "bare"},
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # A JSON object a line, and nothing else on it; whatever the level, it is kept.
            "gateway.audit": {"handlers": ["trail"], "level": "INFO", "propagate": False},
            # Its own handlers would say everything twice; what a client did wrong is told to the client.
            "django": {"handlers": [], "propagate": True},
            # What fails is said by `gateway.errors`, with its request.
            "django.request": {"level": "CRITICAL"},
            # At DEBUG it would write every statement with its parameters.
            "django.db.backends": {"level": "INFO"},
        },
    }


class JsonLines(logging.Formatter):
    """Writes a JSON object a line, in ASCII: nothing in it ends the line or speaks to a terminal.

    By hand, since every request has such a line: through the processors of the readable form it takes 16 µs more.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        facts = {**lines.named(), **getattr(record, "facts", {})}
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        return json_line(record.getMessage(), record.levelname.lower(), record.name, facts, record.created)


def json_line(event: str, level: str, logger: str, facts: dict[str, Any], seconds: float) -> str:
    """The line of what was said at a moment."""
    return lines.of({"event": event, "level": level, "logger": logger, **facts, "at": moment(seconds)})


def json_lines() -> JsonLines:
    """The form for machines."""
    return JsonLines()


def readable_lines() -> ProcessorFormatter:
    """Writes for a developer's eyes; what a client wrote is in ASCII here too."""
    # Where `rich` is installed, the renderer's own choice is to write every local variable, passwords too.
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    return ProcessorFormatter(foreign_pre_chain=COMMON, processors=[in_ascii, plain])


def in_ascii(logger: Any, name: str, event: EventDict) -> EventDict:
    """The texts of an event, with everything escaped that a terminal could take for more than a letter."""
    return {key: escaped(value) if isinstance(value, str) else value for key, value in event.items()}


def escaped(text: str) -> str:
    """The text in printable ASCII."""
    return text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode()
