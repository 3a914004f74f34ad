"""The gateway's RSGI application, with a trace of the files in which functions are called. See path.py."""

import asyncio
import sys
import threading
from pathlib import Path
from typing import Any

from gateway import server

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("gateway", "users")
# The path of the request that returns the files and forgets them.
RESULT = "/traced-files"
files: set[str] = set()


async def app(scope: Any, protocol: Any) -> Any:
    """Serve one request."""
    if scope.path != RESULT:
        return await server.app(scope, protocol)
    # A thread may still be closing the former response.
    await asyncio.sleep(0.2)
    names = sorted(files)
    files.clear()
    return protocol.response_str(200, [("content-type", "text/plain")], "\n".join(names))


def note(frame: Any, event: str, argument: Any) -> None:
    """Note the file of a called function. Python calls this for each call."""
    path = Path(frame.f_code.co_filename)
    if event == "call" and path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in FOLDERS:
        files.add(str(path.relative_to(ROOT)))


# The threads that serve requests and hash passwords start with the first request.
sys.setprofile(note)
threading.setprofile(note)
