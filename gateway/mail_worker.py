"""Runs the mail worker, `manage.py db_worker`, as long as the server runs."""

import logging
import os
import subprocess
import sys
import threading

from django.conf import settings

RESTART_DELAY = 2.0
STOP_TIMEOUT = 15.0
log = logging.getLogger("gateway.mail")


class MailWorker:
    """Starts the mail worker, restarts it when it exits, and stops it with the server."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.monitor = threading.Thread(target=self._restart_on_exit, daemon=True)

    def __enter__(self) -> "MailWorker":
        self._start()
        self.monitor.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stopping.set()
        self.process.terminate()
        self.monitor.join(STOP_TIMEOUT)
        # Another worker takes over an email that takes this long.
        self.process.kill()

    def _restart_on_exit(self) -> None:
        while True:
            self.process.wait()
            if self.stopping.wait(RESTART_DELAY):
                return
            log.warning("mail worker exited with status %s, restarting it", self.process.returncode)
            self._start()
            if self.stopping.is_set():
                # __exit__ may have terminated the process before this one.
                self.process.terminate()

    def _start(self) -> None:
        # With the server's process id the worker ends itself if the server is killed.
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "db_worker", f"--parent-pid={os.getpid()}"]
        # A session of its own: Ctrl+C in a terminal reaches the server only, which then stops the worker.
        self.process = subprocess.Popen(command, start_new_session=True)  # noqa: S603
