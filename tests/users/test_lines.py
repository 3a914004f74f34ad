"""Lines of a log: what stands in one comes out of it again, and nothing gets out of the line."""

import json
from typing import Any

import pytest

from users import lines

NASTY = 'a"}\r\n{"event": "forged"\x1b[2J\u2028\u2029'


@pytest.mark.parametrize(
    "text", ["plain", "", NASTY, "caf\u00e9 \U0001f600", "half of \ud83d a letter", "\x00\\", "delete \x7f"]
)
@pytest.mark.parametrize("place", [lambda text: text, lambda text: {text: [text, None, 1.5, True]}])
def test_whatever_stands_in_it_stays_on_its_line(text: str, place: Any) -> None:
    line = lines.of({"fact": place(text)})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"fact": place(text)}


def test_what_json_does_not_know_is_said_as_it_shows_itself() -> None:
    for note in ("plain", "caf\u00e9"):
        assert json.loads(lines.of({"fact": 1j, "note": note})) == {"fact": "1j", "note": note}
