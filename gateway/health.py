"""/healthz says that the process lives, /readyz that it can serve: what load balancers and supervisors ask."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from gateway.media import JSON
from gateway.view import respond
from users import keys

PATHS = {"/healthz", "/readyz"}
OK = "ok"
# How long a look is remembered: a flood of probes costs the database nothing.
REMEMBERED = 1.0
# A file of this name in the folder that `manage.py serve` shares with its workers says that they will stop.
FOLDER, LEAVING = "GATEWAY_RUN_FOLDER", "leaving"

Parts = dict[str, str]


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """That there is a process which answers; asks nothing of anybody."""
    return respond({"status": OK}, JSON, 200)


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Whether requests should come here, and which part is not ready where they should not."""
    parts = watch.parts()
    is_ready = all(said == OK for said in parts.values())
    return respond({"status": "ready" if is_ready else "not ready", "parts": parts}, JSON, 200 if is_ready else 503)


class Watch:
    """What was found at the last look; one thread looks at a time, and no other waits for it twice."""

    def __init__(self) -> None:
        self.found: Parts = {}
        self.until = 0.0
        self.is_migrated = False
        self.lock = Lock()

    def parts(self) -> Parts:
        """What each part says, as of a second ago or later."""
        # Who comes while another looks takes what was found before; only the first ones have to wait.
        if time.monotonic() >= self.until and self.lock.acquire(blocking=not self.found):
            try:
                if time.monotonic() >= self.until:
                    self.found = self._look()
                    self.until = time.monotonic() + REMEMBERED
            finally:
                self.lock.release()
        return {**self.found, "server": "stopping"} if is_leaving() else self.found

    def _look(self) -> Parts:
        found = {"database": _said(_database)}
        if found["database"] != OK:
            return found | {"migrations": "unknown", "keys": "unknown"}
        found["migrations"] = _said(self._migrations)
        return found | {"keys": _said(_keys) if found["migrations"] == OK else "unknown"}

    def _migrations(self) -> str:
        if not self.is_migrated:
            executor = MigrationExecutor(connection)
            # What is applied stays applied, so that this is asked until it is true, and never again.
            self.is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return OK if self.is_migrated else "not all applied"


watch = Watch()


def is_leaving() -> bool:
    """Whether the server was told to stop, and its workers only finish what they have begun."""
    folder = os.environ.get(FOLDER)
    return bool(folder) and Path(folder or "", LEAVING).exists()


def _said(look: Callable[[], str]) -> str:
    # Only what kind of thing is wrong: whoever asks may be anyone.
    try:
        return look()
    except (DatabaseError, InterfaceError):
        return "no answer"
    except (ImproperlyConfigured, OSError, ValueError):
        return "cannot be opened"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _keys() -> str:
    keys.ring()
    return OK
