"""The figure of a run as SVG: bars of CPU for an answer. Its colors follow the light or dark scheme of the reader."""

from html import escape

from tests.bench.operations import HASHING, NAMES
from tests.bench.results import Results

WIDTH, LEFT, RIGHT, TOP = 760, 118, 132, 64
BAR, GAP = 15, 18
TITLES = {"gateway": "the gateway", "stock": "the stock project, database connections kept"}
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.ground { fill: #ffffff; stroke: #d1d9e0 } .faint { fill: #59636e; font-size: 12px } .title { font-weight: 600 }
.bar0 { fill: #1a7f64 } .bar1 { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .faint { fill: #9198a1 } .ground { fill: #0d1117; stroke: #3d444d }
  .bar0 { fill: #3fb68b } .bar1 { fill: #6e7681 }
}
"""


def draw(results: Results) -> str:
    """Return the SVG of a run."""
    names, step = results.names, BAR * len(results.names) + GAP
    height = TOP + step * len(NAMES) + 24
    most = max(results.cost(name, operation) for name in names for operation in NAMES)
    scale = (WIDTH - LEFT - RIGHT) / most
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>Milliseconds of server CPU for one answer</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        _text(16, 26, "Milliseconds of server CPU for one answer, without the password's hash", "title"),
        *_legend(names),
    ]
    for row, operation in enumerate(NAMES):
        top = TOP + 8 + row * step
        shown = f"{operation} *" if operation in HASHING else operation
        parts.append(_text(16, top + BAR * len(names) / 2 + 4, shown))
        own = results.cost(names[0], operation)
        for column, name in enumerate(names):
            cost, y = max(0.0, results.cost(name, operation)), top + column * BAR
            label = f"{cost:.2f}" + (f" · {cost / own:.1f} times" if column else "")
            parts.append(
                f'<rect class="bar{column}" x="{LEFT}" y="{y}" width="{cost * scale:.1f}" height="{BAR - 2}" rx="2"/>'
            )
            parts.append(_text(LEFT + cost * scale + 6, y + BAR - 4, label, "faint"))
    note = f"* and one argon2 hash of {results.hash:.0f} ms, the same for both"
    parts += [_text(LEFT, height - 14, note, "faint"), "</svg>"]
    return "\n".join(parts) + "\n"


def _legend(names: list[str]) -> list[str]:
    parts, x = [], LEFT
    for column, name in enumerate(names):
        title = TITLES.get(name, name)
        parts.append(f'<rect class="bar{column}" x="{x}" y="42" width="12" height="12" rx="2"/>')
        parts.append(_text(x + 18, 52.5, title, "faint"))
        x += 40 + 7 * len(title)
    return parts


def _text(x: float, y: float, text: str, kind: str = "plain") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
