"""The measurements of both projects: medians over rounds, their spread, and ratios."""

import statistics
from collections import defaultdict
from dataclasses import dataclass, field

from tests.bench.generator import Result
from tests.bench.operations import HASHING, NAMES

# The gateway's CPU divided by the stock project's.
RATIOS = {"me": 1 / 3, "verifyToken": 1 / 3, "refreshToken": 1 / 3.5}
MAX_BEYOND_HASH = 3.5


@dataclass
class Cell:
    """One project under one operation and one number of clients, round by round."""

    rates: list[float] = field(default_factory=list)
    # Milliseconds of CPU for each answer, beyond its hash.
    costs: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    answered: int = 0
    refused: int = 0

    @property
    def cost(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.costs)

    @property
    def spread(self) -> float:
        """The largest distance of a round from the median, as a share of the median."""
        return max(abs(each - self.cost) for each in self.costs) / self.cost

    def text(self) -> str:
        """Return the figures of a row."""
        p95 = statistics.quantiles(self.latencies, n=20)[18]
        refused = self.refused / (self.answered + self.refused)
        return (
            f"{self.cost:7.3f} ±{self.spread:4.0%} {statistics.median(self.rates):6.0f}/s p95 {p95:7.1f} {refused:3.0%}"
        )


@dataclass
class Results:
    """All measurements of one run."""

    names: list[str]
    cells: dict[tuple[str, str, int], Cell] = field(default_factory=lambda: defaultdict(Cell))
    hashes: list[float] = field(default_factory=list)
    busiest_generator: float = 0.0

    def add(
        self, name: str, operation: str, clients: int, result: Result, *, cpu: float, hashes: int, hashing: float
    ) -> None:
        """Add a round: the seconds of CPU that it took, and those that its hashes took."""
        if hashes:
            self.hashes.append(hashing * 1_000 / hashes)
        cell = self.cells[name, operation, clients]
        cell.answered += result.answered
        cell.refused += result.refused
        cell.latencies += result.latencies
        if result.answered:
            cell.rates.append(result.answered / result.seconds)
            cell.costs.append((cpu - hashing) * 1_000 / result.answered)
        self.busiest_generator = max(self.busiest_generator, result.generator_seconds / result.seconds)

    @property
    def hash(self) -> float:
        """Milliseconds of CPU for a hash."""
        return statistics.median(self.hashes)

    def cost(self, name: str, operation: str) -> float:
        """Return the milliseconds of CPU for an answer beyond its hash: the median over the numbers of clients."""
        cells = [cell for (stack, what, _), cell in self.cells.items() if (stack, what) == (name, operation)]
        # The cost of refusals would be added to that of the answers.
        return statistics.median(cell.cost for cell in [each for each in cells if not each.refused] or cells)

    def report(self) -> str:
        """Return all measurements, and whether they meet their budgets."""
        own, other = self.names
        lines = [f"  {'ms of CPU':13} clients  {own:44} {other:44} ratio"]
        for operation in NAMES:
            for clients in sorted({count for _, what, count in self.cells if what == operation}):
                pair = [self.cells[name, operation, clients] for name in self.names]
                texts = [cell.text() if cell.costs else "no answer" for cell in pair]
                ratio = f"1/{pair[1].cost / pair[0].cost:.1f}" if all(cell.costs for cell in pair) else ""
                lines.append(f"  {operation:13} {clients:7}  {texts[0]:44} {texts[1]:44} {ratio}")
        return "\n".join([*lines, *map(self._verdict, NAMES), *self._notes()])

    def _verdict(self, operation: str) -> str:
        own, other = (self.cost(name, operation) for name in self.names)
        beyond = " beyond its hash" if operation in HASHING else ""
        figures = f"  {operation + beyond:28} {own:6.3f} ms, {self.names[1]} {other:6.3f} ms (1/{other / own:.2f})"
        if operation in HASHING:
            return f"{figures}   budget {MAX_BEYOND_HASH} ms: {'met' if own <= MAX_BEYOND_HASH else 'MISSED'}"
        ratio = RATIOS[operation]
        return f"{figures}   budget 1/{1 / ratio:g}: {'met' if own / other <= ratio else 'MISSED'}"

    def _notes(self) -> list[str]:
        return [
            f"  One argon2 hash in the servers: {self.hash:.1f} ms ({min(self.hashes):.1f} to {max(self.hashes):.1f}).",
            "  ± is the distance of the farthest round from the median. Then: answers per s, p95 in ms, share refused.",
            f"  The generator used at most {self.busiest_generator:.0%} of its core.",
        ]
