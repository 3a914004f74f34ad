"""`python -m tests.bench.path`: the files of gateway/ and users/ that a request runs through, in a served worker."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import operations, report, stacks
from tests.bench.client import PASSWORD, Client
from tests.server import ROOT, free_ports, gateway_environment, wait_until_ready

MAX_FILES = {"me": 24, "tokenAuth": 32}
SERVE = [sys.executable, "-m", "granian", "--interface", "rsgi", "--http", "1", "tests.bench.traced_app:app"]


def run() -> None:
    """Print the files that `me` and `tokenAuth` run through."""
    report.header("Files on the path of a request")
    stack = stacks.gateway("path")
    stacks.prepare(stack)
    (port,) = free_ports(1)
    environment = gateway_environment(stack.settings)
    with (
        tempfile.TemporaryDirectory() as folder,
        (Path(folder) / f"{port}.log").open("wb") as log,
        subprocess.Popen([*SERVE, "--port", str(port)], cwd=ROOT, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            wait_until_ready(f"http://localhost:{port}", Path(folder))
            measure(port)
        finally:
            server.terminate()


def measure(port: int) -> None:
    """Send each request once so that caches are warm, then once more, and print the files of the second."""
    (member,) = operations.create_members(port, 1)
    client = Client(f"http://127.0.0.1:{port}")
    requests: dict[str, Any] = {
        "me": lambda: client.post(operations.ME, token=member.token),
        "tokenAuth": lambda: client.post(operations.SIGN_IN, {"name": member.name, "password": PASSWORD}),
    }
    for name, send in requests.items():
        send()
        traced(client)
        assert "errors" not in send()
        files = traced(client)
        report.line(name, len(files), "files", most=MAX_FILES[name])
        for file in files:
            print(f"    {file}", flush=True)


def traced(client: Client) -> list[str]:
    """Return the files that the worker has noted since the last call."""
    client.connection.request("GET", "/traced-files")
    return client.connection.getresponse().read().decode().split()


if __name__ == "__main__":
    run()
