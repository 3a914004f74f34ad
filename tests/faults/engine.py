"""A PostgreSQL of the tests' own, which may be stopped, frozen, filled and crowded."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.server import free_ports

PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
# Faster to start; nothing here pulls the plug of the machine itself.
SETTINGS = {"fsync": "off", "max_wal_size": "64MB", "shared_buffers": "16MB", "log_min_messages": "panic"}


def program(name: str) -> str | None:
    """Where one of PostgreSQL's own programs is."""
    return next((str(place / name) for place in PLACES if (place / name).exists()), shutil.which(name))


def lacking() -> str:
    """Why no server can be started here; nothing where one can."""
    if not (program("initdb") and program("pg_ctl") and shutil.which("setpriv")):
        return "PostgreSQL with initdb and pg_ctl is not installed (apt-get install postgresql)"
    # It refuses to run as root, whose tests may be.
    if os.getuid() == 0 and "postgres" not in {user.pw_name for user in pwd.getpwall()}:
        return "the user postgres does not exist (apt-get install postgresql)"
    return ""


LACKING = lacking()
# PostgreSQL refuses to run as root.
AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []


@dataclass
class Machine:
    """Another machine: a network namespace at the other end of a cable."""

    name: str = field(default_factory=lambda: f"gateway-{os.getpid()}")
    link: str = field(default_factory=lambda: f"gw{os.getpid()}")
    address: str = "10.213.0.2"
    address_here: str = "10.213.0.1"

    def __enter__(self) -> "Machine":
        ip("netns", "add", self.name)
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("address", "add", f"{self.address_here}/30", "dev", self.link)
        ip("link", "set", self.link, "up")
        for words in (("address", "add", f"{self.address}/30", "dev", "eth0"), ("link", "set", "eth0", "up")):
            ip("-netns", self.name, *words)
        ip("-netns", self.name, "link", "set", "lo", "up")
        return self

    def __exit__(self, *error: object) -> None:
        # The namespace outlives its name while connections in it are not closed.
        ip("link", "delete", self.link)
        ip("netns", "delete", self.name)

    def cut(self) -> None:
        """Let every packet to and from it be lost."""
        ip("-netns", self.name, "address", "flush", "dev", "eth0")


def ip(*words: str) -> None:
    """Run a command of iproute2."""
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


class Engine:
    """One server with its data in one folder: new, or a standby that follows a primary."""

    def __init__(
        self, folder: Path, primary: "Engine | None" = None, machine: Machine | None = None, **settings: str
    ) -> None:
        self.folder, self.data = folder, folder / "data"
        self.host = machine.address if machine else "127.0.0.1"
        self.enter = ["ip", "netns", "exec", machine.name] if machine else []
        (self.port,) = free_ports(1)
        if AS_POSTGRES:
            shutil.chown(folder, "postgres")
        if primary:
            self._run("pg_basebackup", "-d", primary.url("postgres"), "-R", "-c", "fast", "--no-sync")
        else:
            self._run("initdb", "-U", "postgres", "-A", "trust", "--no-sync", "--wal-segsize=1", "-E", "UTF8")
            if machine:
                with (self.data / "pg_hba.conf").open("a") as file:
                    file.writelines(f"host {name} all samenet trust\n" for name in ("all", "replication"))
        settings["listen_addresses"] = f"'{self.host}'"
        chosen = {**SETTINGS, "port": str(self.port), "unix_socket_directories": f"'{folder}'", **settings}
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in chosen.items())

    def start(self) -> None:
        """Let it answer."""
        self._run("pg_ctl", "start", "-w", "-t", "30", "-l", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` breaks its connections, `immediate` is a crash."""
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    def kill(self) -> None:
        """End all its processes in the middle of whatever they do."""
        self._signal(signal.SIGKILL)

    def promote(self) -> None:
        """Make a standby the primary."""
        self._run("pg_ctl", "promote", "-w")

    def freeze(self) -> None:
        """Let it neither answer nor break, as on a machine that hangs."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def mend(self) -> None:
        """Let it answer, where a test that failed left it stopped or frozen."""
        if (self.data / "postmaster.pid").exists():
            self.thaw()
        else:
            self.start()

    def url(self, name: str) -> str:
        """The address of a database."""
        return f"postgres://postgres@{self.host}:{self.port}/{name}"

    def create(self, name: str, template: str = "template1") -> str:
        """Make a database, anew where there is one; its address."""
        with self.connect("postgres") as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def connect(self, name: str, **options: Any) -> "psycopg.Connection[Any]":
        """A session beside the gateway's."""
        return psycopg.connect(self.url(name), autocommit=True, connect_timeout=10, **options)

    def _signal(self, number: signal.Signals) -> None:
        main = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for pid in (main, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _run(self, name: str, *arguments: str) -> None:
        command = [*self.enter, *AS_POSTGRES, program(name) or name, *arguments, "-D", str(self.data)]
        # Its output goes nowhere: the server inherits it, and would keep a pipe open.
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


@contextmanager
def running(folder: Path | None = None, **options: Any) -> Iterator[Engine]:
    """A server that is gone afterwards, whatever state it was left in."""
    # Not below a folder of pytest's, which only its owner may enter.
    place = folder or Path(tempfile.mkdtemp(prefix="gateway-engine-"))
    engine = Engine(place, **options)
    engine.start()
    try:
        yield engine
    finally:
        with suppress(OSError, ValueError):
            engine.thaw()
        with suppress(subprocess.SubprocessError):
            engine.stop("immediate")
        shutil.rmtree(engine.data, ignore_errors=True)
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


def wait_for(is_so: Callable[[], bool], seconds: float = 20, every: float = 0.05) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it does not come to be so"
        time.sleep(every)
