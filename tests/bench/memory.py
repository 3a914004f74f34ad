"""`python -m tests.bench.memory`: what one worker of the gateway holds after so many requests of every kind."""

import tempfile
from pathlib import Path

from tests.bench import asking, generator, stacks
from tests.bench.generator import Job

STEPS = (1_000, 5_000, 10_000)
UNIQUE = 5_000
MOST_MIB = 120
# Twenty clients; those that sign in ask less often, since each of their answers takes a hash.
MIX = ("me",) * 10 + ("verifyToken",) * 4 + ("refreshToken",) * 4 + ("tokenAuth", "register")
# Each text another one, as of a client that writes its values into the document.
STRANGE = "query Me {{ me {{ id username email a{0}: bio b{0}: fullName }} }}"


def main() -> None:
    """Print the worker's resident memory as requests go by."""
    stack = stacks.gateway()
    stacks.prepare(stack)
    with tempfile.TemporaryDirectory() as folder, stacks.running(stack, Path(folder)) as served:
        members = asking.members(served.port, len(MIX))
        print(f"{'at rest':34} {served.memory('Rss'):6.1f} MiB resident, {served.memory():6.1f} MiB of its own")
        requests = [asking.request(operation, member) for operation, member in zip(MIX, members, strict=True)]
        asked = 0
        for step in STEPS:
            requests = ask(served.port, requests, step - asked)
            asked = step
            show(served, f"after {step:6,} mixed requests")
        token = members[0].token
        strange = asking.post(STRANGE.format(generator.NUMBER.decode()), {}, token)
        for part in range(1, 3):
            ask(served.port, [strange] * len(MIX), UNIQUE // 2)
            show(served, f"after {part * UNIQUE // 2:6,} documents never seen before")


def ask(port: int, requests: list[bytes], times: int) -> list[bytes]:
    """Have the clients ask so many times together; what they would ask next."""
    result = generator.run(Job(port, requests, answers=times))
    assert not result.refused, result.first_refusal
    return result.requests


def show(served: stacks.Running, when: str) -> None:
    """Print one line, and whether it is within the bound."""
    # Its own share: pages of libraries are there once, however many workers look at them.
    resident, own = served.memory("Rss"), served.memory()
    verdict = f"under {MOST_MIB}" if own < MOST_MIB else f"OVER {MOST_MIB}"
    print(f"{when:34} {resident:6.1f} MiB resident, {own:6.1f} MiB of its own   {verdict}")


if __name__ == "__main__":
    main()
