"""The gateway's own settings, with a hasher whose CPU time is measured."""

from gateway.settings import *  # noqa: F403
from gateway.settings import PASSWORD_HASHERS as OWN

PASSWORD_HASHERS = ["tests.bench.hashers.TimedArgon2", *OWN[1:]]
