"""`python -m tests.bench.flood`: the latency of `me` at rest and during 200 clients that sign in."""

import multiprocessing
import statistics
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.bench import generator, operations, report, speed, stacks
from tests.bench.client import PASSWORD, Client, percentile, timed
from tests.bench.generator import Job

FLOOD = 200
SECONDS = 6.0
RAMP_SECONDS = 1.0
MAX_TIMES = 4
AT_ONCE = 64
MAX_SECONDS = 3


def run(**settings: str) -> None:
    """Print both latencies, and the answers to the flood."""
    report.header(f"Flood: {FLOOD} clients sign in, one worker")
    stack = stacks.gateway("flood")
    stacks.prepare(stack)
    with tempfile.TemporaryDirectory() as folder, stacks.served(stack, Path(folder), **settings) as server:
        (member,) = operations.create_members(server.port, 1)
        rest = read(server.origin, member.token)
        # In a process of its own: its threads would delay the one that measures.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            flood = pool.apply_async(sign_in, (server.origin, member.name, SECONDS + 2 * RAMP_SECONDS))
            time.sleep(RAMP_SECONDS)
            flooded = read(server.origin, member.token)
            answers = flood.get()
        for name, times in (("at rest", rest), ("in the flood", flooded)):
            report.line(f"me, median, {name}", statistics.median(times), "ms")
            report.line(f"me, p95, {name}", percentile(times, 95), "ms")
        report.line(
            "p95 in the flood / at rest", percentile(flooded, 95) / percentile(rest, 95), "times", most=MAX_TIMES
        )
        print("  the flood was answered:", ", ".join(f"{count} {code}" for code, count in answers.most_common()))
    with (
        speed.generating() as pool,
        tempfile.TemporaryDirectory() as folder,
        stacks.served(stack, Path(folder), **settings) as server,
    ):
        request = operations.request("tokenAuth", member)
        result = pool.apply(generator.run, [Job(server.port, [request] * AT_ONCE, answers=1)])
        note = f"{result.answered} signed in, {result.refused} refused"
        report.line(
            f"{AT_ONCE} sign-ins at once, one core: all answered in", result.seconds, "s", most=MAX_SECONDS, note=note
        )


def read(origin: str, token: str) -> list[float]:
    """Return the latencies of one client that reads `me` again and again."""
    client, times, end = Client(origin), [], time.monotonic() + SECONDS
    while time.monotonic() < end:
        times.append(timed(lambda: client.post(operations.ME, token=token)["data"]["me"]["username"]))
    return times


def sign_in(origin: str, name: str, seconds: float) -> Counter[str]:
    """Have clients sign in for a time, and return how many got which answer."""
    answers, stop = Counter[str](), threading.Event()
    clients = [threading.Thread(target=_sign_in, args=(origin, name, stop, answers)) for _ in range(FLOOD)]
    for client in clients:
        client.start()
    stop.wait(seconds)
    stop.set()
    for client in clients:
        client.new_member()
    return answers


def _sign_in(origin: str, name: str, stop: threading.Event, answers: Counter[str]) -> None:
    client = Client(origin)
    while not stop.is_set():
        errors = client.post(operations.SIGN_IN, {"name": name, "password": PASSWORD}).get("errors")
        answers[errors[0]["extensions"]["code"] if errors else "signed in"] += 1
        if errors:
            stop.wait(errors[0]["extensions"].get("retryAfter", 0))


if __name__ == "__main__":
    run()
