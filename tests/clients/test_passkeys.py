"""Passkeys in a real browser with a virtual authenticator."""

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests import npm
from tests.clients.test_clients import installed, pytestmark, run
from tests.server import TIMEOUT, free_ports, running_gateway, wait_until_ready

__all__ = ["installed", "pytestmark"]


@npm.needs_chromium
def test_s131_passkeys_work_in_a_browser_and_wrong_ones_are_refused(installed: None, tmp_path: Path) -> None:
    port, app = free_ports(2)
    settings = {
        "GATEWAY_ISSUER": f"http://localhost:{port}",
        "GATEWAY_EMAIL_VERIFICATION": "off",
        "GATEWAY_LIMIT_REGISTER": "1000 in 1 minute",
        "CORS_ALLOWED_ORIGINS": f"http://localhost:{app}",
    }
    with running_gateway(tmp_path, port, settings) as origin:
        wait_until_ready(origin, tmp_path)
        run("node", "--test", "browser/passkeys.test.mjs", GATEWAY=f"{origin}/graphql", APP_PORT=str(app))


HOSTS = ["app.rp.test", "www.rp.test", "foreign.rp.test", "listed.test", "other.test"]


def trusted_certificate(home: Path) -> dict[str, str]:
    """Return a certificate for the hosts of these tests. Chromium trusts its CA if `home` is its home folder."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name, name = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in ("CA of tests", "rp.test"))
    now = datetime.now(UTC)
    common = (
        x509.CertificateBuilder(issuer_name=ca_name)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    ca = (
        common.subject_name(ca_name)
        .public_key(ca_key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    hosts = [x509.DNSName(host) for host in ("rp.test", "auth.rp.test", *HOSTS)]
    certificate = (
        common.subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    (home / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    for command in (["-N", "--empty-password"], ["-A", "-n", "tests", "-t", "C,,", "-i", str(home / "ca.pem")]):
        subprocess.run(["certutil", "-d", f"sql:{database}", *command], check=True, timeout=TIMEOUT)
    how = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return {"CERTIFICATE": pem, "KEY": key.private_bytes(*how).decode()}


@npm.needs_chromium
@pytest.mark.skipif(not shutil.which("certutil"), reason="certutil is not installed (apt-get install libnss3-tools)")
def test_s132_listed_related_origin_works_and_another_is_refused(installed: None, tmp_path: Path) -> None:
    port, tls, app = free_ports(3)
    settings = {
        "DJANGO_DEBUG": "off",
        "ALLOWED_HOSTS": "auth.rp.test,rp.test,localhost",
        "GATEWAY_TRUSTED_PROXIES": "1",
        "GATEWAY_EMAIL_VERIFICATION": "off",
        "GATEWAY_PASSKEY_RP_ID": "rp.test",
        "GATEWAY_PASSKEY_ORIGINS": "https://app.rp.test,https://www.rp.test,https://listed.test",
        "CORS_ALLOWED_ORIGINS": ",".join(f"https://{host}" for host in HOSTS),
    }
    with running_gateway(tmp_path, port, settings) as origin:
        wait_until_ready(origin, tmp_path)
        world = {"BEHIND": origin, "TLS_PORT": str(tls), "APP_PORT": str(app), "HOME_WITH_CA": str(tmp_path)}
        run("node", "--test", "browser/related.test.mjs", **world, **trusted_certificate(tmp_path))


@npm.needs_chromium
def test_graphiql_adds_a_passkey_and_signs_in_with_it(installed: None, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    settings = {"GATEWAY_ISSUER": f"http://localhost:{port}", "GATEWAY_EMAIL_VERIFICATION": "off"}
    pictures = {"PICTURE": os.environ["PASSKEY_PICTURE"]} if "PASSKEY_PICTURE" in os.environ else {}
    with running_gateway(tmp_path, port, settings) as origin:
        wait_until_ready(origin, tmp_path)
        run("node", "--test", "browser/graphiql-passkeys.test.mjs", ORIGIN=origin, **pictures)
