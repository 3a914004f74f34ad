"""Password hashing: argon2id at the cost that OWASP's password storage guide gives for 19 MiB."""

import unicodedata

import bcrypt
from django.contrib.auth.hashers import Argon2PasswordHasher, BCryptPasswordHasher
from django.utils.crypto import constant_time_compare

from users.crypto import argon

# bcrypt hashes no more than this; other systems cut the rest off without a word.
BCRYPT_BYTES = 72


class Argon2(Argon2PasswordHasher):
    """Argon2id over the NFC form, so that a password typed on another keyboard is the same one."""

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The hash to keep."""
        cost = {"time": self.time_cost, "memory": self.memory_cost, "lanes": self.parallelism}
        return f"{self.algorithm}{argon.encode(_normal(password), salt.encode(), **cost)}"

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the hash was made of this password."""
        made = self.decode(encoded)
        if (made["variety"], made["version"]) != ("argon2id", argon.VERSION):
            return super().verify(unicodedata.normalize("NFC", password), encoded)
        cost = {"time": made["time_cost"], "memory": made["memory_cost"], "lanes": made["parallelism"]}
        length = made["params"].hash_len
        again = argon.encode(_normal(password), made["salt"].encode("latin-1"), **cost, length=length)
        return constant_time_compare(f"{self.algorithm}{again}", encoded)


def _normal(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode()


class Bcrypt(BCryptPasswordHasher):
    """bcrypt as other systems wrote it; its library fails on longer passwords where they were cut."""

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the hash was made of this password."""
        kept = encoded.removeprefix(f"{self.algorithm}$")
        return bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], kept.encode())
