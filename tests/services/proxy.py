"""A real nginx before gateways, with the very configuration that compose.yaml shows."""

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
# Its workers write to the test's folder, which only its owner may enter.
USER = "user root;" if os.getuid() == 0 else ""
# All that is not compose.yaml's: where it runs, and that it needs no rights.
AROUND = """
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
daemon off;
events {{ worker_connections 512; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {shown}
}}
"""


def shown(origins: list[str], port: int) -> str:
    """The configuration of compose.yaml with these servers, at this port; nothing else is another."""
    text: str = yaml.safe_load((ROOT / "compose.yaml").read_text())["configs"]["proxy"]["content"]
    servers = "\n".join(f"server {origin.removeprefix('http://')} \\1;" for origin in origins)
    for pattern, instead in (
        (r"resolver .*;\n", ""),
        (r"server gateway:8000 resolve (.*);", servers),
        (r"listen 8080;", f"listen 127.0.0.1:{port};"),
    ):
        text, count = re.subn(pattern, instead, text)
        assert count == 1, pattern
    # compose.yaml's way to write a dollar.
    return text.replace("$$", "$")


@contextmanager
def proxying(folder: Path, origins: list[str], port: int) -> Iterator[str]:
    """nginx at a port, before gateways."""
    assert NGINX
    file = folder / "nginx.conf"
    file.write_text(AROUND.format(folder=folder, user=USER, shown=shown(origins, port)))
    with subprocess.Popen([NGINX, "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")]) as nginx:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            nginx.terminate()
