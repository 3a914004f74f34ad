"""The secret of a development machine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway import checks, secret


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    file = tmp_path / ".secret-key"
    made = secret.keep(file)
    assert len(made) >= checks.SHORTEST_SECRET
    assert secret.keep(file) == made == file.read_text()
    assert secret.keep(tmp_path / "another") != made
    assert {each.name for each in tmp_path.iterdir()} == {".secret-key", "another"}


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / ".secret-key"
    secret.keep(file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_of_two_that_start_at_once_both_have_the_same(
    tmp_path: Path, at_once: Callable[[list[Callable[[], Any]]], list[Any]]
) -> None:
    for turn in range(20):
        file = tmp_path / str(turn)
        made = at_once([lambda file=file: secret.keep(file) for _ in range(8)])
        assert {*made} == {file.read_text()}
        assert made[0]
    assert len(list(tmp_path.iterdir())) == 20


def test_a_file_that_is_only_begun_is_never_seen(tmp_path: Path, monkeypatch: Any) -> None:
    file, write = tmp_path / ".secret-key", Path.write_text

    def look_first(self: Path, text: str) -> int:
        assert not file.exists()
        return write(self, text)

    monkeypatch.setattr(Path, "write_text", look_first)
    assert secret.keep(file)
