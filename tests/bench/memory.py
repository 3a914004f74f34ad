"""`python -m tests.bench.memory`: the resident memory of one worker with the default settings, as requests go by."""

import tempfile
from pathlib import Path

from tests.bench import generator, operations, report, stacks
from tests.bench.generator import Job

STEPS = (1_000, 5_000, 10_000)
MAX_MB = 130
# Flat: from 5,000 to 10,000 requests.
MAX_GROWTH_MB = 3
DOCUMENTS = 5_000
# Twenty clients.
MIX = ("me",) * 10 + ("verifyToken",) * 4 + ("refreshToken",) * 4 + ("tokenAuth", "register")
# A different text in each request, as of a client that writes values into the document.
UNKNOWN = "query Me {{ me {{ id username email a{0}: bio b{0}: fullName }} }}"


def run() -> None:
    """Print the memory of a worker."""
    report.header("Memory of one worker")
    stack = stacks.gateway("memory")
    stacks.prepare(stack)
    with tempfile.TemporaryDirectory() as folder, stacks.served(stack, Path(folder)) as server:
        report.line("at its start", server.rss(), "MB")
        members = operations.create_members(server.port, len(MIX))
        requests = [operations.request(operation, member) for operation, member in zip(MIX, members, strict=True)]
        sent, former = 0, 0.0
        for step in STEPS:
            requests, sent, last, former = send(server.port, requests, step - sent), step, former, server.rss()
            report.line(f"after {step:,} mixed requests", former, "MB", most=MAX_MB)
        report.line("growth over the last 5,000", former - last, "MB", most=MAX_GROWTH_MB)
        unknown = operations.post(UNKNOWN.format(generator.NUMBER.decode()), {}, members[0].token)
        send(server.port, [unknown] * len(MIX), DOCUMENTS)
        report.line(f"after {DOCUMENTS:,} more documents, each new", server.rss(), "MB", note="their cache is bounded")


def send(port: int, requests: list[bytes], times: int) -> list[bytes]:
    """Have the clients send requests, and return the next ones."""
    result = generator.run(Job(port, requests, answers=times))
    assert not result.refused, result.first_refusal
    return result.requests


if __name__ == "__main__":
    run()
