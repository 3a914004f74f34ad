"""Password hashers: argon2id at the OWASP cost for 19 MiB, and bcrypt as other systems wrote it."""

import unicodedata

import bcrypt
from django.contrib.auth.hashers import Argon2PasswordHasher, BCryptPasswordHasher

# bcrypt hashes no more than this; other systems silently truncate the rest.
BCRYPT_BYTES = 72


class Argon2(Argon2PasswordHasher):
    """Argon2id over the NFC form, so that a password typed on another keyboard is the same one."""

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """Return the encoded hash."""
        return super().encode(unicodedata.normalize("NFC", password), salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Return whether the hash was made from this password."""
        return super().verify(unicodedata.normalize("NFC", password), encoded)


class Bcrypt(BCryptPasswordHasher):
    """bcrypt as other systems wrote it: the library raises on longer passwords where they truncated."""

    def verify(self, password: str, encoded: str) -> bool:
        """Return whether the hash was made from this password."""
        digest = encoded.removeprefix(f"{self.algorithm}$")
        return bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], digest.encode())
