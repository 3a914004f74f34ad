"""That the benches work: what they send, what they make of the answers, and what they draw. Nothing is timed."""

import xml.etree.ElementTree as ElementTree
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.bench import asking, generator, hashers, plot
from tests.bench.asking import HASHING, OPERATIONS, Member
from tests.bench.generator import Job, Result
from tests.bench.results import Results


def number(request: bytes) -> int:
    """The refresh token of a request, which is a number here."""
    return int(request.rpartition(b'"refreshToken":"')[2].partition(b'"')[0])


class Granting(BaseHTTPRequestHandler):
    """Answers every refresh token with the next number."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        answer = b'{"data":{"refreshToken":{"refreshToken":"%d"}}}' % (number(asked) + 1)
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *about: object) -> None:
        """Say nothing."""


def test_each_client_goes_on_with_the_refresh_token_that_it_was_given() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Granting) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        requests = [
            asking.request("refreshToken", Member("somebody", "-", token)) for token in ("70000000", "80000000")
        ]
        result = generator.run(Job(server.server_port, requests, answers=6))
        server.shutdown()
    assert result.answered >= 6
    assert not result.refused
    assert sum(map(number, result.requests)) == 150_000_000 + result.answered


def test_a_run_is_told_as_a_table_and_drawn() -> None:
    results = Results(["gateway", "stock"], rounds=1, seconds=1.0)
    for factor, name in enumerate(results.names, 1):
        results.statements[name] = {operation: {"statements": 1.0, "connects": 0.0} for operation in OPERATIONS}
        for operation in OPERATIONS:
            hashes = 100 if operation in HASHING else 0
            answered = Result(answered=100, refused=0, seconds=1.0, latencies=[1.0, 2.0])
            results.add(name, operation, 1, answered, cpu=3.0 * factor, hashes=hashes, hashing=hashes * 0.02)
    assert "30.000" in results.report()
    # The hashes of a round are no cost of theirs: 30 - 20 against 60 - 20.
    assert results.cost("gateway", "tokenAuth") == 10
    assert "(1/4.0)" in results.report()
    assert "(1/2.0)" in results.report()
    drawn = ElementTree.fromstring(plot.draw(results))
    assert len([each for each in drawn.iter() if each.get("class", "").startswith("bar")]) == 2 + 2 * len(OPERATIONS)


def test_a_clock_counts_hashes_and_what_they_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "clock"
    hashers.reset(file)
    monkeypatch.setenv(hashers.CLOCK, str(file))
    monkeypatch.setattr(hashers, "_clock", hashers._shared())
    hasher = hashers.Clocked()
    assert hasher.verify("a password", hasher.encode("a password", hasher.salt()))
    count, seconds = hashers.read(file)
    assert count == 2
    assert 0 < seconds < 20


@pytest.mark.parametrize("kind", [hashers.Absent, hashers.Paused])
def test_what_stands_for_a_hash_is_taken_for_one_and_not_replaced(kind: type[hashers.Absent]) -> None:
    hasher = kind()
    encoded = hasher.encode("a password", hasher.salt())
    assert hasher.verify("another one", encoded)
    # Or each sign-in would save another one.
    assert not hasher.must_update(encoded)
