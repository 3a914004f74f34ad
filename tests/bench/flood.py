"""`python -m tests.bench.flood`: how fast `me` answers, with and without two hundred clients signing in."""

import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

from tests.bench.load import JOIN, ME, PASSWORD, SIGN_IN, Client, at_once, summary, timed
from tests.server import await_answer, free_ports, serving

FLOOD = 200
READS = 300
# The limits of guessing would send the flood away before it is hashed: here the hashing itself is looked at.
SETTINGS = {
    f"GATEWAY_LIMIT_SIGN_IN_{lane}": "100000 in 1 minute"
    for lane in ("HERE", "ELSEWHERE", "ADDRESS", "TOTAL_ACCOUNT", "TOTAL_CLIENT")
}


def main() -> None:
    """Print both latencies, and what became of the flood."""
    folder, (port,) = Path(tempfile.mkdtemp()), free_ports(1)
    database = {"DATABASE_URL": sys.argv[1]} if len(sys.argv) > 1 else {}
    with serving(folder, port, SETTINGS | database) as origin:
        await_answer(origin, folder)
        name = f"reader{port}"
        token = Client(origin).ask(JOIN % (name, name, PASSWORD))["data"]["register"]["token"]
        print(f"me, alone                  {summary(read(origin, token))}")
        stop, answers = threading.Event(), Counter[str]()
        threads = at_once([lambda: sign_in(origin, name, stop, answers)] * FLOOD)
        times = read(origin, token)
        stop.set()
        for thread in threads:
            thread.join()
        print(f"me, in a flood of {FLOOD}     {summary(times)}")
        print("the flood was answered    ", ", ".join(f"{count} {code}" for code, count in answers.most_common()))


def read(origin: str, token: str) -> list[float]:
    """The latencies of one client that reads `me` again and again."""
    client = Client(origin)
    return [
        timed(lambda: client.ask(ME, Authorization=f"Bearer {token}")["data"]["me"]["username"]) for _ in range(READS)
    ]


def sign_in(origin: str, name: str, stop: threading.Event, answers: Counter[str]) -> None:
    """Sign in until told to stop, waiting as long as the gateway says where it is busy."""
    client = Client(origin)
    while not stop.is_set():
        errors = client.ask(SIGN_IN % (name, PASSWORD)).get("errors")
        answers[errors[0]["extensions"]["code"] if errors else "signed in"] += 1
        if errors:
            stop.wait(errors[0]["extensions"].get("retryAfter", 0))


if __name__ == "__main__":
    main()
