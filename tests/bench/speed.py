"""`python -m tests.bench.speed`: the gateway and the stock project side by side, in turns, in one run.

1. One worker each, on one core; the load generator on another; PostgreSQL wherever there is room.
2. Requests a second and latencies as the generator saw them; CPU as the kernel counted it for the worker
   alone, so that neither the database nor the generator nor another program on the machine is in it.
3. In turns: each round asks every stack once for each operation, so that what else the machine does falls on all
   alike. Shown are medians over the rounds, and how far rounds were apart.
4. The stock project is shown twice, with a new connection a request (Django's default) and with lasting ones.
5. `tokenAuth` and `register` are shown without their one argon2 hash too, which all stacks pay alike: as it cost in a
   process of its own before and after the round, since a machine that slows down slows hashes down as well.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.pool import Pool
from pathlib import Path

from tests.bench import asking, generator, plot, stacks
from tests.bench.generator import Job
from tests.bench.load import PASSWORD
from tests.bench.results import Results
from tests.bench.stacks import Running, Stack
from tests.server import ROOT, surroundings
from users.crypto.hashers import Argon2

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
    servers, loader = _cores()
    os.sched_setaffinity(0, {servers})
    results = Results([stack.name for stack in compared], rounds, seconds)
    for stack in compared:
        stacks.prepare(stack)
        results.statements[stack.name] = statements(stack)
    with (
        tempfile.TemporaryDirectory() as folder,
        multiprocessing.get_context("spawn").Pool(1, generator.pin, [loader]) as pool,
        ExitStack() as opened,
    ):
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
        hashes = [hash_cost()] if operation in asking.HASHING else []
        start = self.running.cpu()
        result = self.ask(pool, operation, clients, seconds)
        cpu = self.running.cpu() - start
        hashes += [hash_cost()] if hashes else []
        results.add(self.running.stack.name, operation, clients, result, cpu, hashes)


def hash_cost(times: int = 3) -> float:
    """Milliseconds of CPU that one argon2 hash takes, on the servers' core."""
    start = time.process_time()
    for _ in range(times):
        Argon2().encode(PASSWORD, "a salt of some length")
    return (time.process_time() - start) * 1_000 / times


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


def _cores() -> tuple[int, int]:
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


if __name__ == "__main__":
    main()
