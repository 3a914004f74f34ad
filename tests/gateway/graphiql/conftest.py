"""A vendor folder with small files in place of the third-party ones."""

import hashlib
from pathlib import Path

import pytest

from gateway.graphiql import vendor
from gateway.graphiql.vendor import File, Package


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty vendor folder, and packages whose files contain their own names."""
    packages = tuple(_small(package) for package in vendor.PACKAGES)
    folder = tmp_path / "vendor"
    folder.mkdir()
    monkeypatch.setattr(vendor, "FOLDER", folder)
    monkeypatch.setattr(vendor, "PACKAGES", packages)
    monkeypatch.setattr(vendor, "FILES", {file.name: file for package in packages for file in package.files})
    return folder


@pytest.fixture
def filled(folder: Path) -> Path:
    """The same folder with all files."""
    for name in vendor.FILES:
        (folder / name).write_bytes(name.encode())
    return folder


def _small(package: Package) -> Package:
    files = (File(file.member, file.name, hashlib.sha256(file.name.encode()).hexdigest()) for file in package.files)
    return Package(package.name, package.version, package.integrity, tuple(files))
