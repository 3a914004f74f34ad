"""Real clients against a real server: the audit, urql, Apollo, code generators, and a browser."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests import npm
from tests.server import free_ports, gateway_environment, manage, running_gateway, wait_until_ready

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
GATEWAY = HERE.parent.parent / "gateway"
PICTURE = GATEWAY / "graphiql" / "graphiql.png"
LANDING = GATEWAY / "pages" / "landing.png"

pytestmark = [pytest.mark.clients, npm.needs_node]


@pytest.fixture(scope="session")
def installed() -> None:
    """The locked packages, the compiled recipe, and the client package."""
    npm.install(HERE)
    npm.build_client()
    run(str(MODULES / ".bin" / "tsc"))


@pytest.fixture(scope="session")
def world(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Two gateways, one of which gives tokens that live for seconds, and ports for an application's pages."""
    ports = free_ports(4)
    app, foreign = str(ports[2]), str(ports[3])
    shared = {
        "GATEWAY_REFRESH_GRACE": "1s",
        "GATEWAY_MAX_BATCH": "10",
        "GATEWAY_LIMIT_REGISTER": "1000 in 1 minute",
        "CORS_ALLOWED_ORIGINS": f"http://localhost:{app}",
    }
    folder = tmp_path_factory.mktemp("gateways")
    with ExitStack() as servers:
        issuer = {"GATEWAY_ISSUER": f"http://localhost:{ports[0]}"}
        patient = servers.enter_context(running_gateway(folder, ports[0], shared | issuer))
        hasty = servers.enter_context(running_gateway(folder, ports[1], {**shared, "GATEWAY_ACCESS_LIFETIME": "2s"}))
        for origin in (patient, hasty):
            wait_until_ready(origin, folder)
        yield {
            "ORIGIN": patient,
            "DATABASE_URL": f"sqlite:///{folder / f'{ports[0]}.sqlite3'}",
            "GATEWAY": f"{patient}/graphql",
            "HASTY_GATEWAY": f"{hasty}/graphql",
            "APP_PORT": app,
            "FOREIGN_PORT": foreign,
        }


@pytest.mark.parametrize("script", ["audit", "urql", "apollo", "typed"])
def test_a_client_finds_nothing_amiss(world: dict[str, str], script: str) -> None:
    run("node", "--test", f"{script}.test.mjs", **world)


def test_a_node_service_takes_our_tokens_and_no_others(world: dict[str, str]) -> None:
    turning = gateway_environment({"DATABASE_URL": world["DATABASE_URL"]})
    own = {"GATEWAY_ORIGIN": world["ORIGIN"], "PYTHON": sys.executable, "ROTATED": json.dumps(turning)}
    run("node", "--test", "jose.test.mjs", **world, **own)


@npm.needs_chromium
def test_pages_of_an_allowed_origin_work_and_of_others_do_not(world: dict[str, str]) -> None:
    run("node", "--test", "browser/origin.test.mjs", **world)


@npm.needs_chromium
def test_graphiql_registers_signs_in_renews_and_signs_out(world: dict[str, str], tmp_path: Path) -> None:
    picture = PICTURE if os.environ.get("UPDATE_SCREENSHOT") else tmp_path / "graphiql.png"
    run("node", "browser/graphiql.mjs", world["ORIGIN"], str(picture), **world)
    assert picture.stat().st_size > 10_000


def test_graphiql_session_renews_tokens_and_signs_out() -> None:
    run("node", "--test", "browser/session.test.mjs")


@pytest.fixture(scope="session")
def certificate() -> dict[str, str]:
    """A key, and a certificate for the hosts of these tests that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "*.example.test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    how = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "CERTIFICATE": signed.public_bytes(serialization.Encoding.PEM).decode(),
        "KEY": key.private_bytes(*how).decode(),
    }


COOKIES = {"GATEWAY_REFRESH_COOKIE": "on", "GATEWAY_REFRESH_GRACE": "3s", "GATEWAY_LIMIT_REGISTER": "1000 in 1 minute"}


@npm.needs_chromium
@pytest.mark.parametrize("same_site", ["Strict", "Lax", "None"])
def test_cookies_serve_a_sibling_host_and_no_other_site(
    installed: None, certificate: dict[str, str], tmp_path: Path, same_site: str
) -> None:
    gateway, tls, app, foreign = free_ports(4)
    production = {
        **COOKIES,
        "DJANGO_DEBUG": "off",
        "ALLOWED_HOSTS": "auth.example.test,localhost",
        "GATEWAY_TRUSTED_PROXIES": "1",
        "GATEWAY_COOKIE_SAMESITE": same_site,
        "CORS_ALLOWED_ORIGINS": f"https://app.example.test:{app}",
    }
    world = {
        "APP": f"https://app.example.test:{app}/",
        "FOREIGN": f"https://app.evil.test:{foreign}/",
        "GATEWAY": f"https://auth.example.test:{tls}/graphql",
        "SAME_SITE": same_site,
    }
    with running_gateway(tmp_path, gateway, production) as origin:
        wait_until_ready(origin, tmp_path)
        run("node", "--test", "browser/cookie.test.mjs", BEHIND=origin, **world, **certificate)


@npm.needs_chromium
def test_cookie_mode_works_in_graphiql_without_tls_in_development(installed: None, tmp_path: Path) -> None:
    gateway, app, foreign = free_ports(3)
    world = {"APP": f"http://localhost:{app}/", "FOREIGN": f"http://localhost:{foreign}/", "SAME_SITE": "Strict"}
    with running_gateway(tmp_path, gateway, {**COOKIES, "CORS_ALLOWED_ORIGINS": f"http://localhost:{app}"}) as origin:
        wait_until_ready(origin, tmp_path)
        run("node", "--test", "browser/cookie.test.mjs", GATEWAY=f"{origin}/graphql", **world)
        run("node", "browser/graphiql.mjs", origin, str(tmp_path / "graphiql.png"))


@npm.needs_chromium
def test_links_and_codes_of_mails_lead_through_the_landing_pages(installed: None, tmp_path: Path) -> None:
    ports = free_ports(2)
    pages, mails, database = f"http://localhost:{ports[1]}", tmp_path / "mails", tmp_path / "shared.sqlite3"
    shared = {"DATABASE_URL": f"sqlite:///{database}", "GATEWAY_ISSUER": pages, "EMAIL_URL": f"file://{mails}"}
    limits = {f"GATEWAY_LIMIT_{name}": "1000 in 1 minute" for name in ("REGISTER", "MAIL_CLIENT", "CODE_CLIENT")}
    mails.mkdir()
    # What the pages need is there where nothing else is.
    (tmp_path / "trusted.json").write_text("{}")
    strict = {
        "GATEWAY_EXPLORER": "off",
        "GATEWAY_INTROSPECTION": "off",
        "GATEWAY_TRUSTED_DOCUMENTS": str(tmp_path / "trusted.json"),
        "GATEWAY_REFRESH_COOKIE": "on",
        "GATEWAY_MAIL_WORKER": "off",
        "GATEWAY_APP_URL": "https://app.example/",
    }
    with running_gateway(tmp_path, ports[0], shared | limits) as gateway:
        wait_until_ready(gateway, tmp_path)
        with running_gateway(tmp_path, ports[1], shared | limits | strict):
            wait_until_ready(pages, tmp_path)
            world = {"GATEWAY": f"{gateway}/graphql", "PAGES": pages, "MAILS": str(mails), "DATABASE": str(database)}
            picture = {"PICTURE": str(LANDING)} if os.environ.get("UPDATE_SCREENSHOT") else {}
            run("node", "--test", "browser/pages.test.mjs", PYTHON=sys.executable, **world, **picture)
    said = "".join(log.read_text() for log in tmp_path.glob("*.log"))
    written = "".join(mail.read_text() for mail in mails.iterdir())
    secrets = set(re.findall(r"token=([\w-]+)", written)) | set(re.findall(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b", written))
    assert "/account/verify" in said
    assert len(secrets) > 9
    assert not [secret for secret in secrets if secret in said]


@npm.needs_chromium
def test_s98_staff_sign_in_to_the_admin_edit_a_user_and_sign_out(installed: None, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path / 'gateway.sqlite3'}"}
    with running_gateway(tmp_path, port, settings) as origin:
        wait_until_ready(origin, tmp_path)
        root = ("--noinput", "--username=root", "--email=root@example.com")
        password = {"DJANGO_SUPERUSER_PASSWORD": "correct horse battery staple"}
        assert manage(settings | password, "createsuperuser", *root).returncode == 0
        pictures = {"PICTURES": os.environ["ADMIN_PICTURES"]} if "ADMIN_PICTURES" in os.environ else {}
        run("node", "--test", "browser/admin.test.mjs", ORIGIN=origin, **pictures)


def run(*command: str, **variables: str) -> None:
    """Run a program in this folder. Fail with its output if it fails."""
    npm.run(*command, folder=HERE, **variables)
