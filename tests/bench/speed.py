"""`python -m tests.bench.speed`: the CPU of an answer of the gateway and of the stock project, side by side.

1. Each has one worker, and both workers share one core; the load generator has another.
2. CPU is what the kernel counted for the worker: not that of the database, the generator or other programs.
3. Each round measures both projects, in alternating order, so that other load on the machine falls on both.
4. `tokenAuth` and `register` are shown without their argon2 hash, which the threads that hash measure in the server.
"""

import argparse
import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.pool import Pool
from pathlib import Path

from tests.bench import generator, operations, plot, report, stacks
from tests.bench.generator import Job
from tests.bench.results import Results
from tests.bench.stacks import Server, Stack

CLIENTS = (1, 16, 64)
WARM_UP_SECONDS = 0.4
ROUNDS, SECONDS = 3, 0.4
SVG = Path(__file__).with_name("speed.svg")


def main() -> None:
    """Measure, print the report, and draw the figure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each round asks each project")
    parser.add_argument("--svg", type=Path, default=SVG)
    options = parser.parse_args()
    run(rounds=options.rounds, seconds=options.seconds, svg=options.svg)


def run(*, rounds: int = ROUNDS, seconds: float = SECONDS, svg: Path = SVG) -> None:
    """Print the report and draw the figure."""
    results = measure([stacks.gateway(), stacks.stock()], rounds=rounds, seconds=seconds)
    report.header(f"CPU of an answer: {rounds} rounds of {seconds} s, one worker on one core")
    print(results.report(), flush=True)
    svg.write_text(plot.draw(results))


def measure(compared: Sequence[Stack], *, rounds: int, seconds: float) -> Results:
    """Return the measurements of these projects."""
    results = Results([stack.name for stack in compared])
    for stack in compared:
        stacks.prepare(stack)
    with generating() as pool, tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        servers = [opened.enter_context(stacks.served(stack, Path(folder))) for stack in compared]
        contenders = [Contender(server, max(CLIENTS)) for server in servers]
        for operation in operations.NAMES:
            for clients in CLIENTS:
                for contender in contenders:
                    contender.send(pool, operation, clients, WARM_UP_SECONDS)
                for number in range(rounds):
                    for contender in contenders if number % 2 else reversed(contenders):
                        contender.measure(results, pool, operation, clients, seconds)
    return results


@contextmanager
def generating() -> Iterator[Pool]:
    """Start a process for the load on the last core, and keep this process and its children on the first."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    try:
        with multiprocessing.get_context("spawn").Pool(1, generator.pin, [cores[-1]]) as pool:
            yield pool
    finally:
        os.sched_setaffinity(0, cores)


class Contender:
    """A served project, and the next requests of its clients."""

    def __init__(self, server: Server, members: int) -> None:
        self.server = server
        created = operations.create_members(server.port, members)
        self.requests = {name: [operations.request(name, member) for member in created] for name in operations.NAMES}

    def send(self, pool: Pool, operation: str, clients: int, seconds: float) -> generator.Result:
        """Have clients send requests for a time."""
        requests = self.requests[operation]
        result = pool.apply(generator.run, [Job(self.server.port, requests[:clients], seconds)])
        # Each refresh token works once.
        requests[:clients] = result.requests
        return result

    def measure(self, results: Results, pool: Pool, operation: str, clients: int, seconds: float) -> None:
        """Have clients send requests for a time, and add the cost to the results."""
        start, (hashes, hashing) = self.server.cpu(), self.server.hashing()
        result = self.send(pool, operation, clients, seconds)
        cpu, (all_hashes, all_hashing) = self.server.cpu() - start, self.server.hashing()
        name = self.server.stack.name
        results.add(
            name, operation, clients, result, cpu=cpu, hashes=all_hashes - hashes, hashing=all_hashing - hashing
        )


if __name__ == "__main__":
    main()
