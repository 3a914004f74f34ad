"""The third-party files of the GraphiQL page and their digests."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "vendor"


@dataclass(frozen=True, slots=True)
class File:
    """One file: its path in the package, its name in the vendor folder, and its SHA-256."""

    member: str
    name: str
    sha256: str

    def is_in(self, folder: Path) -> bool:
        """Return whether the folder contains the file with this digest."""
        try:
            return hashlib.sha256((folder / self.name).read_bytes()).hexdigest() == self.sha256
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Package:
    """One npm package, pinned by the registry's integrity value."""

    name: str
    version: str
    integrity: str
    files: tuple[File, ...]

    @property
    def archive(self) -> str:
        """The name of the archive that `npm pack` writes."""
        return f"{self.name}-{self.version}.tgz"


PACKAGES = (
    Package(
        "graphiql",
        "4.1.2",
        "sha512-rNlzQIAzm6i2KBXmVQWBgLvt0TloxFVB2d18bukvdsvjEuFDHsKx5IVOomL1W1o5WW+tE54+ioHb2AEKzO2cUg==",
        (
            File(
                "package/graphiql.min.js",
                "graphiql.min.js",
                "867226ba8af5ce7949903fc53932f78dac9f4bfc6cc8da0fd3869b8bc6c5256b",
            ),
            File(
                "package/graphiql.min.css",
                "graphiql.min.css",
                "30487e07635d312a63f647b140d37740a73c53332b0975bf4b1fe985ca6ec885",
            ),
            File(
                "package/LICENSE",
                "graphiql.license.txt",
                "4b18fbe55c4e8f9169cb702be138f4d858a2dad920c39857204ffdc9c1c9fdc4",
            ),
        ),
    ),
    Package(
        "react",
        "18.3.1",
        "sha512-wS+hAgJShR0KhEvPJArfuPVN1+Hz1t0Y6n5jLrGQbkb4urgPE/0Rve+1kMB1v/oWgHgm4WIcV+i7F2pTVj+2iQ==",
        (
            File(
                "package/umd/react.production.min.js",
                "react.production.min.js",
                "d949f1c3687aedadcedac85261865f29b17cd273997e7f6b2bfc53b2f9d4c4dd",
            ),
        ),
    ),
    Package(
        "react-dom",
        "18.3.1",
        "sha512-5m4nQKp+rZRb09LNH59GM4BxTh9251/ylbKIbpe7TpGxfJ+9kv6BLkLBXIjjspbgbnIBNqlI23tRnTWT0snUIw==",
        (
            File(
                "package/umd/react-dom.production.min.js",
                "react-dom.production.min.js",
                "35f4f974f4b2bcd44da73963347f8952e341f83909e4498227d4e26b98f66f0d",
            ),
        ),
    ),
)

FILES = {file.name: file for package in PACKAGES for file in package.files}


def missing() -> list[str]:
    """Return the names of the files that are absent or have another digest."""
    return [file.name for file in FILES.values() if not file.is_in(FOLDER)]
