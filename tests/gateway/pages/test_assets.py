"""The static files of the landing pages."""

import re
from pathlib import Path

import pytest
from django.test import Client

from gateway.pages.assets import FILES, FOLDER, assets


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_served_under_its_version(client: Client, name: str) -> None:
    answer = client.get(assets.url(name))
    assert (answer.status_code, answer.content) == (200, FILES[name].read_bytes())


@pytest.mark.parametrize("script", [name for name in FILES if name.endswith(".js")])
def test_script_imports_only_listed_scripts(script: str) -> None:
    text = FILES[script].read_text()
    assert set(re.findall(r'from "\./([^"]+)"', text)) <= FILES.keys()
    assert "import(" not in text
    # APIs that insert text as HTML, or store data beyond the page.
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|localStorage|sessionStorage", text)
    assert "console" not in text


def test_every_script_and_style_of_the_folder_is_listed() -> None:
    assert {file.name for file in Path(FOLDER).iterdir() if file.suffix in {".js", ".css"}} <= FILES.keys()
