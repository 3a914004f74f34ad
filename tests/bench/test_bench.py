"""The benchmarks work: requests, answers, reports and the figure. Nothing here is timed."""

import xml.etree.ElementTree as ElementTree
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.bench import generator, hashers, operations, plot, report
from tests.bench.generator import Job, Result
from tests.bench.operations import HASHING, NAMES, Member
from tests.bench.results import Results


def token_of(request: bytes) -> int:
    """The refresh token of a request, which is a number here."""
    return int(request.rpartition(b'"refreshToken":"')[2].partition(b'"')[0])


class NextToken(BaseHTTPRequestHandler):
    """Answers every refresh token with the next number."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = b'{"data":{"refreshToken":{"refreshToken":"%d"}}}' % (token_of(body) + 1)
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


def test_each_client_continues_with_its_own_refresh_token() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), NextToken) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        members = [Member("name", "-", token) for token in ("70000000", "80000000")]
        requests = [operations.request("refreshToken", member) for member in members]
        result = generator.run(Job(server.server_port, requests, answers=6))
        server.shutdown()
    assert result.answered >= 6
    assert not result.refused
    assert sum(map(token_of, result.requests)) == 150_000_000 + result.answered


@pytest.fixture
def results() -> Results:
    """A run in which the gateway takes 3 s of CPU for 100 answers, 2 of them for hashes, and stock twice as much."""
    results = Results(["gateway", "stock"])
    for factor, name in enumerate(results.names, 1):
        for operation in NAMES:
            hashes = 100 if operation in HASHING else 0
            answered = Result(answered=100, seconds=1.0, latencies=[1.0, 2.0])
            results.add(name, operation, 1, answered, cpu=3.0 * factor, hashes=hashes, hashing=hashes * 0.02)
    return results


def test_costs_are_reported_without_their_hashes(results: Results) -> None:
    assert results.cost("gateway", "me") == 30
    assert results.cost("gateway", "tokenAuth") == 10
    assert results.hash == 20
    assert "(1/4.00)" in results.report()


def test_a_missed_budget_is_reported(results: Results) -> None:
    verdicts = {line.split()[0]: line for line in results.report().splitlines() if "budget" in line}
    assert verdicts["me"].endswith("budget 1/3: MISSED")
    assert verdicts["tokenAuth"].endswith("budget 3.5 ms: MISSED")


def test_a_line_of_the_report_has_its_budget(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.line("memory", 130.0, "MB", most=130)
    assert not report.line("memory", 130.1, "MB", most=130)
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["met", "MISSED"]


def test_the_figure_has_a_bar_for_each_cost(results: Results) -> None:
    svg = ElementTree.fromstring(plot.draw(results))
    # And two in the legend.
    assert len([each for each in svg.iter() if each.get("class", "").startswith("bar")]) == 2 + 2 * len(NAMES)


def test_hashes_are_counted_with_their_cpu_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "clock"
    hashers.reset(file)
    monkeypatch.setenv(hashers.CLOCK, str(file))
    monkeypatch.setattr(hashers, "clock", hashers.shared_clock())
    hasher = hashers.TimedArgon2()
    assert hasher.verify("a password", hasher.encode("a password", hasher.salt()))
    count, seconds = hashers.read(file)
    assert count == 2
    assert 0 < seconds < 20
