"""The SECRET_KEY of a development machine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway import checks
from gateway.conf.dev_secret_key import get_or_create


def test_key_is_created_once(tmp_path: Path) -> None:
    file = tmp_path / ".secret-key"
    made = get_or_create(file)
    assert len(made) >= checks.MIN_SECRET_LENGTH
    assert get_or_create(file) == made == file.read_text()
    assert get_or_create(tmp_path / "another") != made
    assert {each.name for each in tmp_path.iterdir()} == {".secret-key", "another"}


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".secret-key"
    get_or_create(file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_processes_that_start_together_get_one_key(
    tmp_path: Path, run_concurrently: Callable[[list[Callable[[], Any]]], list[Any]]
) -> None:
    for turn in range(20):
        file = tmp_path / str(turn)
        made = run_concurrently([lambda file=file: get_or_create(file) for _ in range(8)])
        assert {*made} == {file.read_text()}
        assert made[0]
    assert len(list(tmp_path.iterdir())) == 20


def test_file_is_created_with_its_complete_content(tmp_path: Path, monkeypatch: Any) -> None:
    file, write = tmp_path / ".secret-key", Path.write_text

    def look_first(self: Path, text: str) -> int:
        assert not file.exists()
        return write(self, text)

    monkeypatch.setattr(Path, "write_text", look_first)
    assert get_or_create(file)
