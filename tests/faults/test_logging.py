"""A log that nobody reads."""

import os
import subprocess
import time
from pathlib import Path

from tests.faults.process import Gateway
from tests.faults.storm import Storm


def test_f25_a_gateway_whose_log_nobody_reads_goes_on_answering_and_stops_when_told(tmp_path: Path) -> None:
    gateway = Gateway(
        tmp_path, DATABASE_URL=f"sqlite:///{tmp_path / 'db.sqlite3'}", GATEWAY_LOG_FORMAT="json", DJANGO_DEBUG="1"
    )
    reading, writing = os.pipe()
    try:
        gateway.start(writing)
        os.close(writing)
        gateway.await_ready()
        with Storm(gateway.origin).raging() as storm:
            # Far more than the 64 kilobytes that a pipe holds: each call is two lines of some hundred bytes.
            storm.await_progress(400)
        assert storm.lost() == 0
        assert storm.slowest < 10
        storm.audit(gateway.origin)
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 15
    finally:
        gateway.kill()
        os.close(reading)
    assert isinstance(gateway.process, subprocess.Popen)
