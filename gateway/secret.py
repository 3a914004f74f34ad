"""The secret of a development machine: made once, kept in a file that git ignores."""

import contextlib
import secrets
from pathlib import Path


def keep(file: Path) -> str:
    """The secret in the file; made on the first call, whichever of two processes makes it."""
    if not file.exists():
        draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        # Whole or not at all: nobody reads a file that another process has only begun to write.
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(draft)
        draft.unlink()
    return file.read_text()
