"""Where log lines go: to a stream, by a thread of its own, so that a stream which nobody reads holds up no request.

1. A line is made by the thread that speaks, which alone knows the request; it is written by another.
2. So many lines wait. What comes then is dropped and counted, and the log says how many there were once it can.
3. A process that ends waits a moment for its last lines to be written, not for ever.
4. Twenty times a second at most the thread is woken, and as many lines as a pipe takes in one piece are written at
   once: to take turns with a request costs more than a line. A killed process loses what waits.
5. What every request says goes straight to its sink, where none but that hears it: the record that logging makes of it,
   and hands to everybody who may hear, costs a request 2 % of its CPU.
"""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import util
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, TextIO

from prometheus_client import Counter

from gateway.logs import JsonLines, json_line
from users import metrics as tallies

MOST = 5_000
# Seconds that a process which ends leaves for its last lines.
LAST = 1.0
# Seconds that the writer lets lines gather.
PAUSE = 0.05
# What a pipe takes in one piece, whoever else writes to it.
PIECE = 4_096

dropped = Counter(
    "gateway_log_lines_dropped",
    "Log lines that were not written, since nobody took those before them.",
    ["sink"],
    registry=tallies.registry,
)
log = logging.getLogger("gateway.logs")


class Sink(logging.Handler):
    """Writes to the standard error, a line at a time, and lets nobody wait for it."""

    def __init__(self, most: int = MOST) -> None:
        super().__init__()
        self.stream, self.most = sys.stderr, most
        self.missed = 0
        self._begin()
        # A thread does not live on in a forked process, and its lock may have been held by another.
        os.register_at_fork(after_in_child=self._begin)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record, as a line."""
        try:
            line = self.format(record)
        except Exception:
            # What cannot even be complained of breaks no call.
            with suppress(Exception):
                self.handleError(record)
        else:
            self.take(line)

    def take(self, line: str) -> None:
        """Take a line; drop it where too many wait."""
        if self.lines.qsize() >= self.most:
            self._miss(1)
            return
        if self.writer is None:
            self._start()
        self.lines.put(f"{line}\n")

    def flush(self) -> None:
        """Wait for what was taken to be written, a moment at most."""
        if self.writer:
            written = Event()
            self.lines.put(written)
            written.wait(LAST)

    def _begin(self) -> None:
        # Lines, and who waits for all before them to be written.
        self.lines: SimpleQueue[str | Event] = SimpleQueue()
        self.writer: Thread | None = None
        # Taken, and too long for the piece before it.
        self.held = ""

    def _start(self) -> None:
        with self._locked():
            # Of two who say the first line at one moment, one starts it: two writers would lose and double lines.
            if self.writer is None:
                writer = Thread(target=self._write, name="log", daemon=True)
                writer.start()
                self.writer = writer
                # Not by `atexit`, of which workers know nothing.
                util.Finalize(self, self.flush, exitpriority=0)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def _write(self) -> None:
        while True:
            piece, waiting = self._piece()
            try:
                put(self.stream, piece)
            except (OSError, ValueError):
                # Full, or closed: nobody can be told where it would be told.
                self._miss(piece.count("\n"))
            else:
                self._report()
            if waiting:
                waiting.set()

    def _piece(self) -> tuple[str, Event | None]:
        piece, taken = "", self.held or self._first()
        self.held = ""
        while isinstance(taken, str):
            if piece and len(piece) + len(taken) > PIECE:
                self.held = taken
                return piece, None
            piece += taken
            if self.lines.empty():
                return piece, None
            taken = self.lines.get()
        return piece, taken

    def _first(self) -> str | Event:
        taken = self.lines.get()
        if isinstance(taken, str):
            # Whoever comes meanwhile wakes nobody. A clock that is turned at this moment can make a pause fail.
            with suppress(OSError):
                time.sleep(PAUSE)
        return taken

    def _miss(self, count: int) -> None:
        with self._locked():
            self.missed += count
        dropped.labels(self.name or "-").inc(count)

    def _report(self) -> None:
        if self.missed and self.lines.qsize() < self.most // 2:
            with self._locked():
                missed, self.missed = self.missed, 0
            log.warning("%d log lines were dropped, since nobody took those before them", missed)


def say(logger: logging.Logger, level: int, event: str, facts: dict[str, Any]) -> None:
    """Say facts that name their request and that a logger lets through; straight to the sink that alone hears it."""
    sink = alone(logger)
    if sink is None:
        logger.log(level, event, extra={"facts": facts})
    else:
        sink.take(json_line(event, logging.getLevelName(level).lower(), logger.name, facts, time.time()))


def alone(logger: logging.Logger) -> Sink | None:
    """The sink that alone hears of what a logger says, and writes it as JSON."""
    found: logging.Handler | None = None
    hearing: logging.Logger | None = logger
    while hearing:
        for handler in hearing.handlers:
            if found:
                return None
            found = handler
        hearing = hearing.parent if hearing.propagate else None
    if not isinstance(found, Sink) or found.level or found.filters or logger.filters:
        return None
    return found if isinstance(found.formatter, JsonLines) else None


def put(stream: TextIO, lines: str) -> None:
    """Write lines at once, since other workers write to the same stream; wait as long as it takes."""
    try:
        number = stream.fileno()
    except (AttributeError, OSError):
        # What tests put in its place.
        stream.write(lines)
        stream.flush()
        return
    # Not through the stream, whose lock a thread that waits would hold, and a process that ends asks for.
    left = lines.encode(errors="backslashreplace")
    while left:
        left = left[os.write(number, left) :]
