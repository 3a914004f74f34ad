"""`python -m tests.bench.growth`: what grows with the number of accounts, sessions, events and fields, and what not."""

import argparse
import os

from tests.bench import asking, rows, stacks, straight
from tests.bench.asking import Member
from tests.server import surroundings

SIZES = (1_000, 10_000, 100_000)
FULL = (*SIZES, 1_000_000)
WIDTHS = (1, 5, 10, 25, 50)
FIELDS = ("id", "username", "email", "fullName", "bio", "imageUrl", "isEmailVerified", "dateJoined", "lastLogin")
READS = {
    "sessions": "query Me { me { sessions { id } } }",
    "events": "query Me { me { events(first: 20) { edges { node { id } } pageInfo { endCursor } } } }",
}
GROWING = {
    "users": rows.USERS,
    "sessions": rows.SESSIONS,
    "events": rows.EVENTS,
    "own events": rows.OWN_EVENTS,
}
TIMES, HASHES = 100, 5


def main() -> None:
    """Print milliseconds of CPU for an answer, size by size."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth")
    parser.add_argument("--full", action="store_true", help="up to a million rows")
    sizes = FULL if parser.parse_args().full else SIZES
    stack = stacks.gateway("growth")
    stacks.prepare(stack)
    os.environ.update(surroundings(stack.settings))
    with straight.quietly():
        member = straight.join(rows.OWNER)
        straight.join("visitor")
        by_rows(member, sizes)
        by_width(member)


def by_rows(member: Member, sizes: tuple[int, ...]) -> None:
    """The same requests over more and more rows."""
    columns = [*asking.OPERATIONS, *READS]
    print(f"{'CPU ms for an answer':24}", *(f"{name:>12}" for name in columns))
    for growing, statement in GROWING.items():
        former = 0
        for size in sizes:
            rows.grow(statement, former, size)
            former = size
            print(f"{size:11,} {growing:12}", *(f"{_cost(member, name):12.3f}" for name in columns))


def by_width(member: Member) -> None:
    """The same object with more and more fields; beyond those that it has, the same again."""
    for width in WIDTHS:
        fields = " ".join(FIELDS[number % len(FIELDS)] for number in range(width))
        cost = straight.cost(asking.post(f"{{ me {{ {fields} }} }}", {}, member.token), TIMES)
        print(f"{width:11,} {'fields':12} {cost:12.3f}")


def _cost(member: Member, name: str) -> float:
    if name in READS:
        return straight.cost(asking.post(READS[name], {}, member.token), TIMES)
    if name in {"refreshToken", "tokenAuth"}:
        # Another's sessions: their number is a size of its own.
        member = straight.sign_in("visitor")
    return straight.cost(asking.request(name, member), HASHES if name in asking.HASHING else TIMES)


if __name__ == "__main__":
    main()
