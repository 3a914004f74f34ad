"""The SECRET_KEY of development, stored in a file that git ignores."""

import contextlib
import secrets
from pathlib import Path


def get_or_create(file: Path) -> str:
    """Return the key in the file. Create the file first if it does not exist."""
    if not file.exists():
        draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        # Creating a link is atomic, so another process never reads a partial key.
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(draft)
        draft.unlink()
    return file.read_text()
