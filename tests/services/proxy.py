"""A real nginx before gateways, with the configuration of compose.yaml."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.server import ROOT

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
# Workers of nginx write to the folder of the test, which only its owner may enter.
USER = "user root;" if os.getuid() == 0 else ""
# The part of the configuration that compose.yaml does not have.
MAIN = """
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
daemon off;
events {{ worker_connections 512; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {site}
}}
"""
VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?P<operator>:[-+?])?(?P<word>[^}]*)\})")


def interpolate(text: str, variables: dict[str, str]) -> str:
    """Replace variables as Docker Compose does."""

    def value(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        given = variables.get(found["name"], "")
        if found["operator"] == ":+":
            return found["word"] if given else ""
        assert given or found["operator"] != ":?", found["word"]
        return given or found["word"]

    return VARIABLE.sub(value, text)


def site(origins: list[str], port: int, tls_port: int = 0, **variables: str) -> str:
    """Return the configuration of compose.yaml with these gateways and ports."""
    content: str = yaml.safe_load((ROOT / "compose.yaml").read_text())["configs"]["proxy"]["content"]
    text = interpolate(content, variables)
    servers = "\n".join(f"server {origin.removeprefix('http://')} \\1;" for origin in origins)
    changes = [
        (r"resolver .*;\n", ""),
        (r"server gateway:8000 resolve (.*);", servers),
        (r"listen 8080;", f"listen 127.0.0.1:{port};"),
    ]
    if "TLS_CERTIFICATE" in variables:
        changes += [
            (r"listen 8443 ssl;", f"listen 127.0.0.1:{tls_port} ssl;"),
            (r"/etc/nginx/tls/certificate.pem", variables["TLS_CERTIFICATE"]),
            (r"/etc/nginx/tls/key.pem", variables["TLS_KEY"]),
        ]
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text)
        assert count == 1, pattern
    return text


@contextmanager
def proxying(folder: Path, origins: list[str], port: int, tls_port: int = 0, **variables: str) -> Iterator[str]:
    """Run nginx on a port before these gateways, with these variables of compose.yaml."""
    assert NGINX
    file = folder / "nginx.conf"
    file.write_text(MAIN.format(folder=folder, user=USER, site=site(origins, port, tls_port, **variables)))
    with subprocess.Popen([NGINX, "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")]) as nginx:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            nginx.terminate()
