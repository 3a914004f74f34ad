"""Health checks for load balancers and supervisors: /healthz (alive) and /readyz (ready for requests)."""

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

from gateway.http.responses import json_response
from users.sessions import key_ring

PATHS = {"/healthz", "/readyz"}
OK = "ok"
# Seconds. Within this time /readyz does not query the database again.
CACHE_TIMEOUT = 1.0
# Names the file that `manage.py serve` creates when it begins to stop. Workers inherit the variable.
STOPPING_FILE = "SERVE_STOPPING_FILE"

States = dict[str, str]


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Answer 200, also if the database fails."""
    return json_response({"status": OK})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 if the gateway can handle requests, else 503 with the parts that fail."""
    parts = readiness.parts()
    is_ready = all(state == OK for state in parts.values())
    content = {"status": "ready" if is_ready else "not ready", "parts": parts}
    return json_response(content, status=200 if is_ready else 503)


class Readiness:
    """The state of each part the gateway needs, cached for CACHE_TIMEOUT. One thread at a time checks them."""

    def __init__(self) -> None:
        self.cached: States = {}
        self.expires_at = 0.0
        self.is_migrated = False
        self.lock = Lock()

    def parts(self) -> States:
        """Return the state of each part."""
        # While one thread checks, other threads return the cached state. Only the first requests wait.
        if time.monotonic() >= self.expires_at and self.lock.acquire(blocking=not self.cached):
            try:
                if time.monotonic() >= self.expires_at:
                    self.cached = self._check_parts()
                    self.expires_at = time.monotonic() + CACHE_TIMEOUT
            finally:
                self.lock.release()
        return {**self.cached, "server": "stopping"} if is_stopping() else self.cached

    def _check_parts(self) -> States:
        states = {"database": _state(_check_database)}
        if states["database"] != OK:
            return states | {"migrations": "unknown", "keys": "unknown"}
        states["migrations"] = _state(self._check_migrations)
        return states | {"keys": _state(_check_keys) if states["migrations"] == OK else "unknown"}

    def _check_migrations(self) -> str:
        if not self.is_migrated:
            executor = MigrationExecutor(connection)
            # An applied migration stays applied: once all are, this is not checked again.
            self.is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return OK if self.is_migrated else "not all applied"


readiness = Readiness()


def mark_stopping() -> None:
    """Make /readyz of every worker answer 503."""
    Path(os.environ[STOPPING_FILE]).touch()


def is_stopping() -> bool:
    """Return whether `manage.py serve` has begun to stop."""
    file = os.environ.get(STOPPING_FILE)
    return file is not None and Path(file).exists()


def _state(check: Callable[[], str]) -> str:
    # The response is public, so it contains no details of the failure.
    try:
        return check()
    except (DatabaseError, InterfaceError):
        return "no answer"
    except (ImproperlyConfigured, OSError, ValueError):
        return "cannot be opened"


def _check_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _check_keys() -> str:
    key_ring.get()
    return OK
