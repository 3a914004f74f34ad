"""Log lines: what is put into one can be read back, and nothing in it ends the line."""

import json
from typing import Any

import pytest

from users import log_context

NASTY = 'a"}\r\n{"event": "forged"\x1b[2J\u2028\u2029'


@pytest.mark.parametrize(
    "text", ["plain", "", NASTY, "caf\u00e9 \U0001f600", "half of \ud83d a letter", "\x00\\", "delete \x7f"]
)
@pytest.mark.parametrize("place", [lambda text: text, lambda text: {text: [text, None, 1.5, True]}])
def test_s91_no_text_ends_the_line(text: str, place: Any) -> None:
    line = log_context.json_line({"fact": place(text)})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"fact": place(text)}


def test_values_that_json_does_not_know_are_written_as_their_repr() -> None:
    for note in ("plain", "caf\u00e9"):
        assert json.loads(log_context.json_line({"fact": 1j, "note": note})) == {"fact": "1j", "note": note}
