"""A rotation under load, on gateways that share one database: no valid token is refused."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import jwt
import pytest

from tests.server import SECRET_KEY, free_ports, manage
from tests.services import talk
from tests.services.conftest import Gateways
from users.models import SigningKey
from users.sessions import signing_keys

Command = Callable[..., Any]
ROTATIONS = 3
BOUND = signing_keys.RING_LIFETIME.total_seconds()


@contextmanager
def under_load(origins: list[str]) -> Iterator[list[Any]]:
    """Sign in, read and refresh without a pause, each step at another gateway; what was given, and what failed."""
    given: list[Any] = []
    is_over = threading.Event()

    def live(name: str, places: Iterator[str]) -> None:
        talk.register(next(places), name)
        while not is_over.is_set():
            pair = talk.sign_in(next(places), name)
            for _ in range(10):
                assert talk.me(next(places), pair["token"]) == name
                given.append(pair["token"])
                pair = talk.refresh(next(places), pair["refreshToken"])

    def watched(*arguments: Any) -> None:
        try:
            live(*arguments)
        except Exception as failure:
            given.append(failure)

    names = [f"user{number}" for number in range(4)]
    people = [threading.Thread(target=watched, args=(name, cycle(origins))) for name in names]
    for person in people:
        person.start()
    try:
        yield given
    finally:
        is_over.set()
        for person in people:
            person.join()


def test_s92_f21_no_valid_token_is_refused_during_rotations_under_load(
    gateways: Gateways, run_command: Command
) -> None:
    origins = gateways(2)
    kept = talk.register(origins[0], "kept")["token"]
    with under_load(origins) as given:
        for _ in range(ROTATIONS):
            turned = run_command("rotate_keys", "--now")
            assert turned.returncode == 0, turned.stderr
            assert all(talk.me(origin, kept) == "kept" for origin in origins)
        for _ in range(ROTATIONS):
            # Without the start of a process in between: the next key is as young as it can be.
            signing_keys.rotate(skip_wait=True)
        time.sleep(2 * BOUND)
    assert [each for each in given if not isinstance(each, str)] == []
    assert len({jwt.get_unverified_header(token)["kid"] for token in given}) == 2 * ROTATIONS + 1
    assert len(talk.kids(origins[0])) == 2 * ROTATIONS + 2
    assert set(talk.kids(origins[0])) == set(talk.kids(origins[1]))


def test_gateways_that_start_together_share_one_key_ring(gateways: Gateways) -> None:
    first, second = gateways(2)
    token = talk.register(first, "alice")["token"]
    assert talk.me(second, token) == "alice"
    assert talk.kids(first) == talk.kids(second)
    assert SigningKey.objects.count() == 2


def test_f21_gateway_that_cannot_decrypt_its_keys_does_not_start(
    gateway_settings: dict[str, str], gateways: Gateways
) -> None:
    (origin,) = gateways(1)
    kept = talk.kids(origin)
    (port,) = free_ports(1)
    started = manage(gateway_settings | {"SECRET_KEY": f"another one: {SECRET_KEY}"}, "serve", "--port", str(port))
    assert started.returncode == 1
    assert "SECRET_KEY_FALLBACKS" in started.stderr
    assert len(started.stderr.splitlines()) == 1
    assert talk.kids(origin) == kept


def test_s92_revoked_key_is_refused_everywhere_within_the_bound(gateways: Gateways, run_command: Command) -> None:
    origins = gateways(2)
    pair = talk.register(origins[0], "alice")
    leaked = jwt.get_unverified_header(pair["token"])["kid"]
    clients = [jwt.PyJWKClient(f"{origin}/.well-known/jwks.json", lifespan=BOUND) for origin in origins]
    for origin, client in zip(origins, clients, strict=True):
        assert talk.me(origin, pair["token"]) == "alice"
        assert client.get_signing_key_from_jwt(pair["token"]).key_id == leaked
    assert run_command("rotate_keys", f"--revoke={leaked}").returncode == 0
    time.sleep(2 * BOUND)
    for origin, client in zip(origins, clients, strict=True):
        with pytest.raises(AssertionError, match="TOKEN_INVALID"):
            talk.me(origin, pair["token"])
        with pytest.raises(jwt.PyJWKClientError):
            client.get_signing_key_from_jwt(pair["token"])
        assert leaked not in talk.kids(origin)
    renewed = talk.refresh(origins[1], pair["refreshToken"])
    assert talk.me(origins[0], renewed["token"]) == "alice"
