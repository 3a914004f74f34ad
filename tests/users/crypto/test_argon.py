"""Argon2id in lent memory: the same hashes as the library's own, and no more memory than runs at once."""

import gc
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from argon2 import Type
from argon2.low_level import hash_secret

from tests.hashers import CheapArgon2
from users.crypto import argon

HUGE = Path("/sys/kernel/mm/transparent_hugepage")
SALT = b"a salt of some length"


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon, "_free", [])


def flags_of(address: int) -> list[str]:
    found: list[str] = []
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if area := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            is_inside = int(area[1], 16) <= address < int(area[2], 16)
        elif line.startswith("VmFlags:") and is_inside:
            found = line.split()[1:]
    return found


@pytest.mark.parametrize("password", [b"", b"password", "p\u00e4ssw\u00f6rd \U0001f600".encode(), b"x" * 4_096])
@pytest.mark.parametrize("cost", [(1, 8, 1), (2, 64, 1), (3, 256, 2), (2, 19_456, 1)])
def test_a_hash_is_the_librarys_own_to_the_letter(password: bytes, cost: tuple[int, int, int]) -> None:
    time, memory, lanes = cost
    ours = argon.encode(password, SALT, time=time, memory=memory, lanes=lanes)
    assert ours == hash_secret(password, SALT, time, memory, lanes, 32, Type.ID).decode()


def test_the_library_reads_our_hashes_and_we_read_the_librarys() -> None:
    ours = CheapArgon2()
    encoded = ours.encode("password", "somesalt")
    assert super(type(ours).__mro__[1], ours).verify("password", encoded)
    assert not super(type(ours).__mro__[1], ours).verify("Password", encoded)
    theirs = "argon2" + hash_secret(b"password", b"somesalt", 3, 64, 2, 16, Type.ID).decode()
    other_kind = "argon2" + hash_secret(b"password", b"somesalt", 1, 8, 1, 32, Type.I).decode()
    for encoded in (theirs, other_kind):
        assert ours.verify("password", encoded)
        assert not ours.verify("Password", encoded)


def test_what_the_library_refuses_is_refused() -> None:
    with pytest.raises(ValueError, match="Salt is too short"):
        argon.encode(b"password", b"short", time=1, memory=8, lanes=1)


def test_memory_is_lent_again_and_each_hash_at_once_has_its_own() -> None:
    for _ in range(5):
        argon.encode(b"password", SALT, time=1, memory=64, lanes=1)
    assert [len(piece) for piece in argon._free] == [64 * 1_024]
    found: list[bool] = []
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        barrier.wait()
        password = b"password %d" % number
        expected = hash_secret(password, SALT, 2, 1_024, 1, 32, Type.ID).decode()
        found.extend(argon.encode(password, SALT, time=2, memory=1_024, lanes=1) == expected for _ in range(10))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 40
    assert 1 <= len([piece for piece in argon._free if len(piece) == 1_024 * 1_024]) <= 4
    assert not argon._lent


def test_memory_is_wiped_when_it_comes_back() -> None:
    argon.encode(b"password", SALT, time=1, memory=64, lanes=1)
    (piece,) = argon._free
    gc.collect()
    assert bytes(piece) == bytes(len(piece))


@pytest.mark.skipif(not HUGE.exists(), reason="the system has no huge pages to ask for")
def test_large_memory_is_asked_for_in_huge_pages() -> None:
    argon.encode(b"password", SALT, time=1, memory=19_456, lanes=1)
    (piece,) = argon._free
    start = int(argon.ffi.cast("uintptr_t", piece))
    assert "hg" in flags_of(start)


def test_where_there_are_no_huge_pages_a_hash_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = argon.encode(b"password", SALT, time=1, memory=64, lanes=1)
    monkeypatch.setattr(argon, "_free", [])
    monkeypatch.delattr(argon.mmap, "MADV_HUGEPAGE", raising=False)
    assert argon.encode(b"password", SALT, time=1, memory=64, lanes=1) == expected


@pytest.mark.parametrize("error", [MemoryError, OSError(12, "Cannot allocate memory")])
def test_where_there_is_no_memory_a_hash_fails_and_the_next_need_not(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: Any
) -> None:
    def refuse(size: int) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(argon, "_new", refuse)
        with pytest.raises(ValueError, match="Memory allocation"):
            argon.encode(b"password", SALT, time=1, memory=64, lanes=1)
    assert not argon._lent
    # Nothing but lines of the log goes there.
    assert capfd.readouterr().err == ""
    assert argon.encode(b"password", SALT, time=1, memory=64, lanes=1)


def test_the_memory_of_an_outsized_hash_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon, "MOST_KEPT", 64 * 1_024)
    argon.encode(b"password", SALT, time=1, memory=65, lanes=1)
    assert [len(piece) for piece in argon._free if len(piece) > argon.MOST_KEPT] == []
    assert not argon._lent
