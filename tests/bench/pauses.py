"""`python -m tests.bench.pauses`: what a sign-in takes beside its hash, without one, and beside a pause as long.

A hash leaves little of what a request needs in the processor's caches. A pause, in which others have them, leaves as
little: what a request takes then is what it takes of a gateway that is seldom asked.
"""

import tempfile
from pathlib import Path

from tests.bench import asking, stacks
from tests.bench.results import Results
from tests.bench.speed import WARM_UP_SECONDS, Contender, loading

CASES = {"Clocked": "beside a hash", "Absent": "without one", "Paused": "beside a pause"}
CLIENTS = (1, 16)
ROUNDS, SECONDS = 5, 0.6


def main() -> None:
    """Print milliseconds of CPU for an answer, the hash subtracted."""
    with loading() as pool:
        print(f"{'CPU ms, the hash apart':24}", *(f"{title:>16}" for title in CASES.values()))
        results = Results([], ROUNDS, SECONDS)
        for hasher in CASES:
            stack = stacks.gateway(hasher.lower(), hasher=hasher)
            stacks.prepare(stack)
            with tempfile.TemporaryDirectory() as folder, stacks.running(stack, Path(folder)) as served:
                contender = Contender(served, max(CLIENTS))
                for operation in asking.HASHING:
                    for clients in CLIENTS:
                        contender.ask(pool, operation, clients, WARM_UP_SECONDS)
                        for _ in range(ROUNDS):
                            contender.measure(results, pool, operation, clients, SECONDS)
        for operation in asking.HASHING:
            for clients in CLIENTS:
                cells = [results.cells[hasher.lower(), operation, clients] for hasher in CASES]
                print(f"{operation:13} {clients:3} clients", *(f"{cell.without_hash:16.3f}" for cell in cells))


if __name__ == "__main__":
    main()
