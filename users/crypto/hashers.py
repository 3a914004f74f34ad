"""Password hashers: argon2id with the cost that OWASP recommends, and bcrypt for imported hashes."""

import unicodedata

import bcrypt
from django.contrib.auth.hashers import Argon2PasswordHasher, BCryptPasswordHasher

# bcrypt ignores the rest of a longer password.
BCRYPT_BYTES = 72


class Argon2(Argon2PasswordHasher):
    """Argon2id over the NFC form, so that a password is the same on every keyboard."""

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
    """Bcrypt of other systems, which truncate long passwords. The library raises an error for them instead."""

    def verify(self, password: str, encoded: str) -> bool:
        """Return whether the hash was made from this password."""
        digest = encoded.removeprefix(f"{self.algorithm}$")
        return bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], digest.encode())
