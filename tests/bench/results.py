"""What was measured, and how it is told: medians over rounds, their spread, and ratios."""

import platform
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench import hashers
from tests.bench.asking import OPERATIONS
from tests.bench.generator import Result

HEAD = (
    f"{'':13} {'clients':>7}  {'stack':8} {'answers/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms':>8} {'±':>4}  refused"
)


@dataclass
class Cell:
    """One stack under one operation and so many clients, round by round."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    # The same without the hashes of that round.
    bare: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    answered: int = 0
    refused: int = 0
    first_refusal: str = ""

    @property
    def cost(self) -> float:
        """Milliseconds of the server's CPU for an answer."""
        return statistics.median(self.costs)

    @property
    def without_hash(self) -> float:
        """The same without the hash."""
        return statistics.median(self.bare)

    @property
    def spread(self) -> float:
        """How far the cheapest and the dearest round were from the median, as a share of it."""
        return max(abs(each - self.cost) for each in self.costs) / self.cost

    def line(self) -> str:
        """The figures of a row."""
        cuts = statistics.quantiles(self.latencies, n=100)
        refused = self.refused / (self.answered + self.refused)
        return (
            f"{statistics.median(self.rates):9.0f} {cuts[49]:8.2f} {cuts[98]:8.2f} {self.cost:8.3f} "
            f"{self.spread:4.0%}  {refused:.0%}"
        )


@dataclass
class Results:
    """Everything that one run has found."""

    names: list[str]
    rounds: int
    seconds: float
    cells: dict[tuple[str, str, int], Cell] = field(default_factory=lambda: defaultdict(Cell))
    statements: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    hashes: list[float] = field(default_factory=list)
    ceiling: float = 0.0
    busiest_generator: float = 0.0

    def add(
        self, name: str, operation: str, clients: int, result: Result, cpu: float, hashes: int = 0, hashing: float = 0.0
    ) -> None:
        """Take in a round: the seconds of CPU that it took, and those of them that so many hashes took."""
        if hashes:
            self.hashes.append(hashing * 1_000 / hashes)
        cell = self.cells[name, operation, clients]
        cell.answered += result.answered
        cell.refused += result.refused
        cell.first_refusal = cell.first_refusal or result.first_refusal
        cell.latencies += result.latencies
        if result.answered:
            cell.rates.append(result.answered / result.seconds)
            cell.costs.append(cpu * 1_000 / result.answered)
            cell.bare.append((cpu - hashing) * 1_000 / result.answered)
        self.busiest_generator = max(self.busiest_generator, result.generator_seconds / result.seconds)

    @property
    def hash(self) -> float:
        """Milliseconds of CPU for a hash."""
        return statistics.median(self.hashes)

    def cost(self, name: str, operation: str) -> float:
        """Milliseconds of CPU for an answer, the hash apart: the median over all numbers of clients."""
        cells = [cell for (stack, what, _), cell in self.cells.items() if (stack, what) == (name, operation)]
        # A refusal costs something too, which would be laid upon the answers.
        counted = [cell for cell in cells if not cell.refused] or cells
        return statistics.median(cell.without_hash for cell in counted)

    def report(self) -> str:
        """All of it, as text."""
        return "\n".join([*self._rows(), "", *self._summary(), "", *self._notes()])

    def _rows(self) -> list[str]:
        lines = [HEAD]
        for (name, operation, clients), cell in sorted(self.cells.items(), key=self._order):
            lines.append(f"{operation:13} {clients:7}  {name:8} {cell.line()}")
        return lines

    def _order(self, item: tuple[tuple[str, str, int], Cell]) -> tuple[int, int, int]:
        name, operation, clients = item[0]
        return OPERATIONS.index(operation), clients, self.names.index(name)

    def _summary(self) -> list[str]:
        lines = ["CPU ms an answer, without the hash; SQL statements as on the wire, + for a new connection"]
        for operation in OPERATIONS:
            own = self.cost(self.names[0], operation)
            shown = [f"{operation:13}"]
            for name in self.names:
                counted = self.statements[name][operation]
                connects = "+" if counted["connects"] else " "
                ratio = f"(1/{self.cost(name, operation) / own:.1f})" if name != self.names[0] else ""
                shown.append(
                    f"{name} {self.cost(name, operation):6.3f} {ratio:8} {counted['statements']:4.0f}{connects} SQL"
                )
            lines.append("   ".join(shown))
        return lines

    def _notes(self) -> Sequence[str]:
        memory = ", ".join(f"{name} {taken:.0f} MiB" for name, taken in self.memory.items())
        return (
            f"worker's memory (PSS) after it all: {memory}",
            f"one argon2 hash: {self.hash:.1f} ms of CPU ({min(self.hashes):.1f} to {max(self.hashes):.1f}); "
            f"argon2 is {hashers.build()}",
            f"{self.rounds} rounds of {self.seconds} s each; ± is how far a round was from the median of its row",
            f"the generator was busy {self.busiest_generator:.0%} of its core at most, "
            f"and gets {self.ceiling:.0f} answers/s from an application that does nothing",
            f"refused: more sign-ins at once than may wait for a hash; Python {platform.python_version()}",
        )
