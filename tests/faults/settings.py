"""The gateway's own settings, with hashes so cheap that a storm is one of statements, not of hashing."""

from gateway.settings import *  # noqa: F403
from gateway.settings import PASSWORD_HASHERS as OWN

PASSWORD_HASHERS = ["tests.hashers.CheapArgon2", *OWN[1:]]
