"""Another service that trusts the gateway's keys: it takes every token of ours, and nothing else."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import jwt
import pytest
from django.db.models import F

from tests.server import ROOT, TIMEOUT, free_ports, gateway_environment
from tests.services import talk
from tests.services.conftest import Gateways
from users.crypto import signing_keys as crypto_keys
from users.crypto.signing_keys import Key
from users.models import SigningKey
from users.sessions import access_tokens, key_ring, signing_keys

Command = Callable[..., Any]
Forge = Callable[[dict[str, Any], Key], str]


@pytest.fixture
def trusted(gateways: Gateways, gateway_settings: dict[str, str]) -> Iterator[tuple[str, str]]:
    """A gateway, and the guarded address of a service that trusts it."""
    (port,) = free_ports(1)
    (origin,) = gateways(1)
    own = gateway_environment({"GATEWAY_ORIGIN": origin, "GATEWAY_ISSUER": gateway_settings["GATEWAY_ISSUER"]})
    command = [sys.executable, "-m", "tests.services.service", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=own, stderr=subprocess.DEVNULL) as service:
        try:
            await_service(f"http://127.0.0.1:{port}/")
            yield origin, f"http://127.0.0.1:{port}/"
        finally:
            service.terminate()


def await_service(address: str) -> None:
    """Wait until something answers."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            urlopen(address)
        except URLError as error:
            if hasattr(error, "code"):
                return
            time.sleep(0.1)
    pytest.fail("the service does not answer")


def encoded(claims: dict[str, Any], secret: Any, algorithm: str, **header: Any) -> str:
    return jwt.encode(claims, secret, algorithm=algorithm, headers={"typ": "at+jwt", **header})


def stranger(algorithm: str) -> Any:
    return crypto_keys.load(crypto_keys.generate(algorithm)).private


def touched(token: str) -> str:
    head, payload, signature = token.split(".")
    return f"{head}.{payload[:-4]}AAAA.{signature}"


FORGERIES: dict[str, Forge] = {
    "unsigned": lambda claims, key: encoded(claims, "", "none", kid=key.kid),
    "HMAC of the public key": lambda claims, key: encoded(claims, str(key.jwk()).encode(), "HS256", kid=key.kid),
    "a stranger's key of our name": lambda claims, key: encoded(claims, stranger("ES256"), "ES256", kid=key.kid),
    "a stranger's key": lambda claims, key: encoded(claims, stranger("ES256"), "ES256", kid="stranger"),
    "another algorithm": lambda claims, key: encoded(claims, stranger("EdDSA"), "EdDSA", kid=key.kid),
    "touched": lambda claims, key: touched(access_tokens.sign(claims)),
    "no kid": lambda claims, key: encoded(claims, key.private, "ES256"),
    "another type": lambda claims, key: encoded(claims, key.private, "ES256", kid=key.kid, typ="JWT"),
    "over": lambda claims, key: access_tokens.sign(claims | {"exp": claims["iat"] - 60}),
    "for another audience": lambda claims, key: access_tokens.sign(claims | {"aud": "billing"}),
    "of another issuer": lambda claims, key: access_tokens.sign(claims | {"iss": "https://evil.example"}),
    "without an end": lambda claims, key: access_tokens.sign({name: claims[name] for name in claims if name != "exp"}),
    "without a user": lambda claims, key: access_tokens.sign({name: claims[name] for name in claims if name != "sub"}),
    "rubbish": lambda claims, key: "a.b.c",
    "nothing": lambda claims, key: "",
}


def test_s33_s35_s38_s41_another_service_refuses_forged_tokens_during_a_rotation(
    trusted: tuple[str, str], run_command: Command
) -> None:
    origin, guarded = trusted
    for turn in range(2):
        token = talk.register(origin, f"user{turn}")["token"]
        assert talk.status(guarded, f"Bearer {token}") == 200
        claims = jwt.decode(token, options={"verify_signature": False})
        key_ring.clear_cache()
        for name, forge in FORGERIES.items():
            assert talk.status(guarded, f"Bearer {forge(claims, key_ring.get().current)}") == 401, name
        assert talk.status(guarded, f"Bearer {access_tokens.sign(claims)}") == 200
        assert run_command("rotate_keys", "--now").returncode == 0


def test_s92_another_service_accepts_old_and_new_tokens_during_a_rotation(
    trusted: tuple[str, str], run_command: Command
) -> None:
    origin, guarded = trusted
    old = talk.register(origin, "alice")
    assert talk.status(guarded, f"Bearer {old['token']}") == 200
    SigningKey.objects.update(created_at=F("created_at") - signing_keys.PUBLISHED_AFTER)
    assert run_command("rotate_keys").returncode == 0
    time.sleep(2 * signing_keys.RING_LIFETIME / timedelta(seconds=1))
    new = talk.refresh(origin, old["refreshToken"])
    assert jwt.get_unverified_header(new["token"])["kid"] != jwt.get_unverified_header(old["token"])["kid"]
    for pair in (old, new):
        assert talk.status(guarded, f"Bearer {pair['token']}") == 200
    assert talk.status(guarded, f"Bearer {new['refreshToken']}") == 401
