"""`python -m tests.bench.speed`: the gateway and the stock project side by side, in turns, in one run.

1. One worker each, on one core; the load generator on another; PostgreSQL wherever there is room.
2. Requests a second and latencies as the generator saw them; CPU as the kernel counted it for the worker
   alone, so that neither the database nor the generator nor another program on the machine is in it.
3. In turns: each round asks every stack once for each operation, so that what else the machine does falls on all
   alike. Shown are medians over the rounds, and how far rounds were apart.
4. The stock project is shown twice, with a new connection a request (Django's default) and with lasting ones.
5. `tokenAuth` and `register` are shown without their one argon2 hash too, which all stacks pay alike: as the clocks of
   the threads that hashed told it, in the server and in that very round.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.pool import Pool
from pathlib import Path

from tests.bench import asking, generator, plot, stacks
from tests.bench.generator import Job
from tests.bench.results import Results
from tests.bench.stacks import Running, Stack
from tests.server import ROOT, surroundings

CLIENTS = (1, 16, 64)
WARM_UP_SECONDS = 0.4


def main() -> None:
    """Measure, print the tables, and draw the plot."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.4, help="how long each stack is asked at a time")
    parser.add_argument("--plot", type=Path, default=Path(__file__).with_name("speed.svg"))
    options = parser.parse_args()
    results = measure(stacks.all_three(), rounds=options.rounds, seconds=options.seconds)
    print(results.report())
    options.plot.write_text(plot.draw(results))


def measure(compared: Sequence[Stack], *, rounds: int, seconds: float, clients: Sequence[int] = CLIENTS) -> Results:
    """Everything that is to be known of these stacks."""
    results = Results([stack.name for stack in compared], rounds, seconds)
    for stack in compared:
        stacks.prepare(stack)
        results.statements[stack.name] = statements(stack)
    with loading() as pool, tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        served = [opened.enter_context(stacks.running(stack, Path(folder))) for stack in compared]
        contenders = [Contender(each, max(clients)) for each in served]
        for operation in asking.OPERATIONS:
            for count in clients:
                for each in contenders:
                    each.ask(pool, operation, count, WARM_UP_SECONDS)
                for turn in range(rounds):
                    # Who begins changes too: what one leaves to be tidied falls on the next.
                    for each in contenders if turn % 2 else reversed(contenders):
                        each.measure(results, pool, operation, count, seconds)
        results.memory = {each.running.stack.name: each.running.memory() for each in contenders}
        results.ceiling = _ceiling(opened.enter_context(stacks.running(stacks.EMPTY, Path(folder))), pool, seconds)
    return results


@contextmanager
def loading() -> Iterator[Pool]:
    """Another process on a core of its own, for the load; whatever this one starts is served by the other core."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[0]})
    with multiprocessing.get_context("spawn").Pool(1, generator.pin, [allowed[-1]]) as pool:
        yield pool


class Contender:
    """A running stack, and what its clients will ask next."""

    def __init__(self, running: Running, members: int) -> None:
        self.running = running
        known = asking.members(running.port, members)
        self.requests = {name: [asking.request(name, member) for member in known] for name in asking.OPERATIONS}

    def ask(self, pool: Pool, operation: str, clients: int, seconds: float) -> generator.Result:
        """Have so many clients ask for so long."""
        requests = self.requests[operation]
        result = pool.apply(generator.run, [Job(self.running.port, requests[:clients], seconds)])
        # Each refresh token works once: who asks next goes on where the last answer ended.
        requests[:clients] = result.requests
        return result

    def measure(self, results: Results, pool: Pool, operation: str, clients: int, seconds: float) -> None:
        """The same, with what it cost."""
        start, (count, hashing) = self.running.cpu(), self.running.hashing()
        result = self.ask(pool, operation, clients, seconds)
        cpu, (counted, hashed) = self.running.cpu() - start, self.running.hashing()
        results.add(self.running.stack.name, operation, clients, result, cpu, counted - count, hashed - hashing)


def statements(stack: Stack) -> dict[str, dict[str, float]]:
    """What one request of each operation says to the database."""
    command = [sys.executable, "-m", "tests.bench.statements"]
    said = subprocess.run(command, cwd=ROOT, env=surroundings(stack.settings), capture_output=True, check=True)
    counted: dict[str, dict[str, float]] = json.loads(said.stdout)
    return counted


def _ceiling(empty: Running, pool: Pool, seconds: float) -> float:
    requests = [asking.post(asking.ME, {})] * max(CLIENTS)
    result = pool.apply(generator.run, [Job(empty.port, requests, seconds)])
    return result.answered / result.seconds


if __name__ == "__main__":
    main()
