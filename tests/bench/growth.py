"""`python -m tests.bench.growth`: the CPU of an answer as the tables grow. In one process, without a server."""

import argparse
import os

from tests.bench import in_process, operations, report, rows, stacks
from tests.bench.operations import Member
from tests.server import gateway_environment

SIZES = (1_000, 100_000)
FULL = (*SIZES, 1_000_000)
READS = {
    "sessions": "query Me { me { sessions { id } } }",
    "events": "query Me { me { events(first: 20) { edges { node { id } } pageInfo { endCursor } } } }",
}
GROWING = {"users": rows.USERS, "sessions": rows.SESSIONS, "events": rows.EVENTS, "own events": rows.OWN_EVENTS}
COLUMNS = (*operations.NAMES, *READS)
TIMES, HASHES, BATCHES = 40, 3, 5
# Of the cost at the smallest size. Smaller differences are noise.
MAX_GROWTH = 1.5


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth")
    parser.add_argument("--full", action="store_true", help="up to a million rows")
    run(FULL if parser.parse_args().full else SIZES)


def run(sizes: tuple[int, ...] = SIZES) -> None:
    """Print the CPU of the same requests over more and more rows."""
    report.header("Growth: ms of CPU of an answer in one process, hash included")
    stack = stacks.gateway("growth")
    stacks.prepare(stack)
    os.environ.update(gateway_environment(stack.settings))
    with in_process.quiet():
        member = in_process.register(rows.OWNER)
        in_process.register("visitor")
        print(f"  {'rows':24}", *(f"{name:>12}" for name in COLUMNS), flush=True)
        first: dict[str, float] = {}
        worst = 0.0
        for growing, statement in GROWING.items():
            for former, size in zip((0, *sizes), sizes, strict=False):
                rows.grow(statement, former, size)
                costs = {name: _cost(member, name) for name in COLUMNS}
                print(f"  {size:11,} {growing:12}", *(f"{costs[name]:12.3f}" for name in COLUMNS), flush=True)
                first = first or costs
                worst = max(worst, *(costs[name] / first[name] for name in COLUMNS))
        report.line("largest growth of any operation", worst, "times", most=MAX_GROWTH)


def _cost(member: Member, name: str) -> float:
    if name in READS:
        request = operations.post(READS[name], {}, member.token)
    elif name in {"refreshToken", "tokenAuth"}:
        # Another user's session: the number of own sessions would grow too.
        request = operations.request(name, in_process.sign_in("visitor"))
    else:
        request = operations.request(name, member)
    return in_process.cost(request, times=HASHES if name in operations.HASHING else TIMES, batches=BATCHES)


if __name__ == "__main__":
    main()
