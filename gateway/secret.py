"""The secret of a development machine: made once, kept in a file that git ignores."""

import secrets
from pathlib import Path


def keep(file: Path) -> str:
    """The secret in the file; made on the first call, whichever of two processes makes it."""
    try:
        with file.open("x") as handle:
            file.chmod(0o600)
            handle.write(secrets.token_urlsafe(64))
    except FileExistsError:
        pass
    return file.read_text()
