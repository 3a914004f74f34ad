"""A gateway as a process, which may be killed, stopped, starved and started again at its port."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tests.faults.storm import Lost, call
from tests.server import ROOT, free_ports, gateway_environment

WIDE = {
    f"GATEWAY_LIMIT_{name}": "900000 in 1 minute"
    for name in (
        "SIGN_IN_HERE",
        "SIGN_IN_ELSEWHERE",
        "SIGN_IN_ADDRESS",
        "SIGN_IN_TOTAL_ACCOUNT",
        "SIGN_IN_TOTAL_CLIENT",
        "REGISTER",
        "INVALID_REFRESH",
    )
}
QUIET = {"GATEWAY_MAIL_WORKER": "off", "DJANGO_SETTINGS_MODULE": "tests.faults.settings"}


class Gateway:
    """`manage.py serve` at one port, over one database, started as often as one likes."""

    def __init__(self, folder: Path, **settings: str) -> None:
        (self.port,) = free_ports(1)
        self.folder, self.settings = folder, {**WIDE, **QUIET, **settings}
        self.origin = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Gateway":
        try:
            self.start()
            self.await_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    @property
    def log(self) -> Path:
        """What it has written."""
        return self.folder / f"{self.port}.log"

    def start(self, output: IO[bytes] | int | None = None) -> None:
        """Start it; it answers a little later."""
        command = [sys.executable, "manage.py", "serve", "--migrate", "--port", str(self.port)]
        with self.log.open("ab") as log:
            sink = output or log
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=gateway_environment(self.settings), stdout=sink, stderr=sink
            )

    def await_ready(self, seconds: float = 30) -> None:
        """Wait until it says that requests may come."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            assert time.monotonic() < deadline, f"it does not answer\n{self.log.read_text()[-3_000:]}"
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether it says so."""
        try:
            return call(self.origin, "/readyz")[0] == 200
        except Lost:
            return False

    def workers(self) -> list[int]:
        """Return the process ids of the server's workers."""
        main = self.pid
        children = [int(pid) for pid in Path(f"/proc/{main}/task/{main}/children").read_text().split()]
        return [pid for pid in children if b"spawn_main" in _command(pid)]

    def memory(self) -> int:
        """Megabytes that the workers hold."""
        return sum(_resident(pid) for pid in self.workers())

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self.process
        return self.process.pid

    def stop(self) -> int:
        """Tell it to stop, as a supervisor does; its exit code."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """End it and its workers in the middle of whatever they do."""
        if self.process and self.process.poll() is None:
            workers = self.workers()
            self.process.kill()
            for pid in workers:
                kill(pid)
            self.process.wait(10)
            deadline = time.monotonic() + 10
            while any(Path(f"/proc/{pid}/cwd").exists() for pid in workers) and time.monotonic() < deadline:
                time.sleep(0.02)


def kill(pid: int) -> None:
    """End one process, as the kernel does where memory is short."""
    subprocess.run(["kill", "-9", str(pid)], check=False, capture_output=True)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _resident(pid: int) -> int:
    lines: Any = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024
