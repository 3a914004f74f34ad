"""A hasher for tests: the gateway's own at the lowest cost, so that a thousand hashes take a second."""

from users.crypto.hashers import Argon2


class CheapArgon2(Argon2):
    """Argon2id that protects nothing."""

    time_cost = 1
    memory_cost = 8
