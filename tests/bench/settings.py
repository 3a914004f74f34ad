"""The gateway's own settings, with a hasher of the bench's."""

import os

from gateway.settings import *  # noqa: F403
from gateway.settings import PASSWORD_HASHERS as OWN

PASSWORD_HASHERS = [f"tests.bench.hashers.{os.environ['BENCH_HASHER']}", *OWN[1:]]
