"""What runs beside the server: the worker that sends mail, kept alive as long as the server lives."""

import logging
import os
import subprocess
import sys
import threading
from types import TracebackType

from django.conf import settings

PAUSE = 2.0
PATIENCE = 15.0
log = logging.getLogger("gateway.serve")


class MailWorker:
    """Starts `manage.py db_worker`, starts it again where it ends, and ends it with the server."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.keeper = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> "MailWorker":
        # Before the server forks its workers: one that is forked in this moment holds open what tells us that the
        # start is done, and only its end would tell.
        self._start()
        self.keeper.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.is_over.set()
        self.process.terminate()
        self.keeper.join(PATIENCE)
        # A letter that takes this long is taken over by the next worker.
        self.process.kill()

    def _keep(self) -> None:
        while True:
            self.process.wait()
            if self.is_over.wait(PAUSE):
                return
            log.warning("the mail worker ended with status %s and is started again", self.process.returncode)
            self._start()
            if self.is_over.is_set():
                # Told to end while it was started, of which whoever told knew nothing.
                self.process.terminate()

    def _start(self) -> None:
        # By number, so that the worker ends itself where the server was killed and could not end it.
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "db_worker", f"--beside={os.getpid()}"]
        # A session of its own: an interrupt from the keyboard is for the server, which passes it on.
        self.process = subprocess.Popen(command, start_new_session=True)  # noqa: S603
