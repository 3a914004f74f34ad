"""The server process: granian, which tells load balancers before it stops."""

from pathlib import Path
from typing import Any

from granian import Granian
from granian.server.mp import WorkerProcess

from gateway import health, worker


class Server(Granian):  # type: ignore[misc, valid-type]
    """Starts the workers, starts another where one dies, and stops them when told to."""

    def __init__(self, *arguments: Any, folder: Path, notice: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.folder, self.notice = folder, notice

    def serve(self, *arguments: Any, **options: Any) -> None:
        """Serve by workers of our own kind."""
        super().serve(spawn_worker, *arguments, **options)

    def shutdown(self, exit_code: int = 0) -> None:
        """Say by /readyz that no request should come any more, wait until that was heard, then stop."""
        (self.folder / health.LEAVING).touch()
        self.main_loop_interrupt.clear()
        # A second signal ends the wait.
        self.main_loop_interrupt.wait(self.notice)
        super().shutdown(exit_code)


@WorkerProcess.wrap_target
def spawn_worker(*arguments: Any) -> None:
    """Be a worker."""
    worker.run(*arguments)
