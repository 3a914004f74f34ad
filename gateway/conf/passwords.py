"""Password hashers and validators."""

from typing import Any

# The first one hashes new passwords. The others verify hashes that were imported, and upgrade them.
HASHERS = [
    "users.crypto.hashers.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "users.crypto.hashers.Bcrypt",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]


def validators(min_length: int, *, product: str) -> list[dict[str, Any]]:
    """Return AUTH_PASSWORD_VALIDATORS."""
    return [
        {
            "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
            "OPTIONS": {"min_length": min_length},
        },
        {
            "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
            "OPTIONS": {"user_attributes": ("username", "email", "full_name")},
        },
        {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
        {"NAME": "users.passwords.common.CommonPassword"},
        {"NAME": "users.passwords.breached.BreachedPassword"},
        {"NAME": "users.passwords.common.ContextPassword", "OPTIONS": {"words": (product, "graphql", "gateway")}},
    ]
