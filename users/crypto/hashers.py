"""Password hashing: argon2id at the cost that OWASP's password storage guide gives for 19 MiB."""

import unicodedata

import bcrypt
from django.contrib.auth.hashers import Argon2PasswordHasher, BCryptPasswordHasher

# bcrypt hashes no more than this; other systems cut the rest off without a word.
BCRYPT_BYTES = 72


class Argon2(Argon2PasswordHasher):
    """Argon2id over the NFC form, so that a password typed on another keyboard is the same one."""

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The hash to keep."""
        return super().encode(unicodedata.normalize("NFC", password), salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the hash was made of this password."""
        return super().verify(unicodedata.normalize("NFC", password), encoded)


class Bcrypt(BCryptPasswordHasher):
    """bcrypt as other systems wrote it; its library fails on longer passwords where they were cut."""

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the hash was made of this password."""
        kept = encoded.removeprefix(f"{self.algorithm}$")
        return bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], kept.encode())
