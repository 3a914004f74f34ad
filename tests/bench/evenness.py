"""`python -m tests.bench.evenness`: whether time tells an unknown name from a wrong password or a closed account."""

import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.load import JOIN, PASSWORD, SIGN_IN, Client, timed
from tests.server import ROOT, await_answer, free_ports, serving

ROUNDS = 200
SHUFFLES = 2_000
SETTINGS = {f"GATEWAY_LIMIT_SIGN_IN_{lane}": "100000 in 1 minute" for lane in ("HERE", "ELSEWHERE", "ADDRESS")}


def main() -> None:
    """Print the medians of the three cases, and how often chance alone would part them as far."""
    folder, (port,) = Path(tempfile.mkdtemp()), free_ports(1)
    with serving(folder, port, SETTINGS) as origin:
        await_answer(origin, folder)
        client = Client(origin)
        for name in ("known", "closed"):
            client.ask(JOIN % (name, name, PASSWORD))
        close("closed", folder / f"{port}.sqlite3")
        cases = {"known": "a wrong one", "unknown": "a wrong one", "closed": PASSWORD}
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(ROUNDS):
            # In turns and in no order, so that what else the machine does falls on all alike.
            for name in random.sample(sorted(cases), k=len(cases)):
                times[name].append(timed(lambda name=name: client.ask(SIGN_IN % (name, cases[name]))))
    for name, taken in times.items():
        print(f"{name:8} median {statistics.median(taken):7.3f} ms")
    for other in ("unknown", "closed"):
        apart, chance = compare(times["known"], times[other])
        print(f"known and {other}: {apart:+.3f} ms apart, as far by chance in {chance:.0%} of {SHUFFLES} shuffles")


def close(name: str, database: Path) -> None:
    """Deactivate an account."""
    change = f"from users.models import User; User.objects.filter(username={name!r}).update(is_active=False)"
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", change],
        cwd=ROOT,
        env={"DATABASE_URL": f"sqlite:///{database}", "GATEWAY_ENV_FILE": "/dev/null"},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def compare(some: list[float], others: list[float]) -> tuple[float, float]:
    """How far the medians are apart, and the share of random partings that are as far: a permutation test."""
    apart = statistics.median(others) - statistics.median(some)
    pool, as_far = [*some, *others], 0
    for _ in range(SHUFFLES):
        random.shuffle(pool)
        as_far += abs(statistics.median(pool[: len(some)]) - statistics.median(pool[len(some) :])) >= abs(apart)
    return apart, as_far / SHUFFLES


if __name__ == "__main__":
    main()
