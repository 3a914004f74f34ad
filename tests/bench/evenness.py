"""`python -m tests.bench.evenness`: whether the time of a refused sign-in tells why it was refused."""

import random
import statistics
import tempfile
from pathlib import Path

import psycopg

from tests.bench import operations, report, stacks
from tests.bench.client import PASSWORD, Client, timed

ROUNDS = 200
SHUFFLES = 2_000
WRONG = "a wrong password"


def run() -> None:
    """Print the median times of the three cases, and how often chance alone would separate them as far."""
    report.header(f"Evenness: the time of a refused sign-in, {ROUNDS} rounds")
    stack = stacks.gateway("evenness")
    stacks.prepare(stack)
    with tempfile.TemporaryDirectory() as folder, stacks.served(stack, Path(folder)) as server:
        known, closed = (member.name for member in operations.create_members(server.port, 2))
        with psycopg.connect(stack.settings["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("UPDATE users_user SET is_active = false WHERE username = %s", [closed])
        client = Client(server.origin)
        cases = {
            "wrong password": {"name": known, "password": WRONG},
            "unknown user": {"name": "unknown", "password": WRONG},
            "closed account": {"name": closed, "password": PASSWORD},
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(ROUNDS):
            # In random order, so that other load on the machine falls on all cases.
            for name in random.sample(sorted(cases), k=len(cases)):
                times[name].append(timed(lambda name=name: client.post(operations.SIGN_IN, cases[name])))
    for name, taken in times.items():
        report.line(f"{name}, median", statistics.median(taken), "ms")
    for name in ("unknown user", "closed account"):
        difference, chance = compare(times["wrong password"], times[name])
        report.line(f"{name} - wrong password", difference, "ms", note=f"as far by chance in {chance:.0%} of shuffles")


def compare(some: list[float], others: list[float]) -> tuple[float, float]:
    """Return the difference of the medians, and the share of permutations in which it is as large."""
    difference = statistics.median(others) - statistics.median(some)
    pool, as_large = [*some, *others], 0
    for _ in range(SHUFFLES):
        random.shuffle(pool)
        shuffled = statistics.median(pool[: len(some)]) - statistics.median(pool[len(some) :])
        as_large += abs(shuffled) >= abs(difference)
    return difference, as_large / SHUFFLES


if __name__ == "__main__":
    run()
