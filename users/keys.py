"""The keys that sign access tokens: given by a setting, or made at the first start and kept sealed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction

from users.crypto import keys, seals
from users.crypto.keys import Key
from users.models import SigningKey

# Only what holds a key: openssl writes the parameters of a curve before it.
PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Ring:
    """The key that signs, and all that verify."""

    current: Key
    by_kid: Mapping[str, Key]


@lru_cache(maxsize=1)
def ring() -> Ring:
    """This process's keys; read once, since parsing a key costs more than signing with it."""
    found = given() if settings.GATEWAY_SIGNING_KEYS else [_kept()]
    return Ring(found[0], {key.kid: key for key in found})


def given() -> list[Key]:
    """The keys of `GATEWAY_SIGNING_KEYS`, a PEM text or a file of one; the first signs."""
    value = settings.GATEWAY_SIGNING_KEYS
    # A line break in an environment file is often written as \n.
    text = value.replace("\\n", "\n") if "-----BEGIN" in value else Path(value).read_text()
    found = [keys.load(pem) for pem in PEM.findall(text)]
    if not found:
        raise keys.UnusableKey("no private key in PEM")
    return found


def jwks() -> list[dict[str, str]]:
    """The public keys, for services that verify our tokens themselves."""
    return [key.jwk() for key in ring().by_kid.values()]


def _kept() -> Key:
    algorithm = settings.GATEWAY_SIGNING_ALGORITHM
    row = SigningKey.objects.filter(algorithm=algorithm).first() or _make(algorithm)
    return keys.load(seals.unseal(row.sealed, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]))


def _make(algorithm: str) -> SigningKey:
    pem = keys.generate(algorithm)
    row = SigningKey(kid=keys.load(pem).kid, algorithm=algorithm, sealed=seals.seal(pem, [settings.SECRET_KEY]))
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Another gateway that started at the same moment was faster: its key is everyone's.
        return SigningKey.objects.get(algorithm=algorithm)
    return row
