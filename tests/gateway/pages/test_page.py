"""The HTML of the landing pages."""

import re
from typing import Any

import pytest
from django.test import Client

from gateway.pages.documents import DOCUMENTS

NAMES = ("verify", "reset", "undo")
STEPS = {
    "verify": {"link", "code", "mail", "expired", "invalid", "done"},
    "reset": {"link", "code", "mail", "expired", "invalid", "done"},
    "undo": {"link", "missing", "expired", "invalid", "done"},
}

every_page = pytest.mark.parametrize("name", NAMES)


def html(client: Client, name: str, query: str = "") -> str:
    return client.get(f"/account/{name}{query}").content.decode()


@every_page
def test_page_has_all_steps_and_hides_them_without_a_script(client: Client, name: str) -> None:
    sections = re.findall(r'<section data-step="(\w+)" aria-labelledby="(\w+)-title" hidden>', html(client, name))
    assert {step for step, _ in sections} == STEPS[name]
    assert all(step == title for step, title in sections)
    first = re.search(r'<main data-first="(\w+)">', html(client, name))
    assert first
    assert first[1] in STEPS[name]


@every_page
def test_each_button_leads_to_an_existing_step(client: Client, name: str) -> None:
    text = html(client, name)
    assert set(re.findall(r'data-(?:goes|next)="(\w+)"', text)) <= STEPS[name]
    assert len(set(re.findall(r' id="([^"]+)"', text))) == len(re.findall(r' id="', text))


@every_page
def test_each_field_has_a_label_and_autocomplete(client: Client, name: str) -> None:
    text = html(client, name)
    for field in re.findall(r"<input (?![^>]* hidden)[^>]+>", text):
        id = re.search(r'id="([^"]+)"', field)
        assert id
        assert f'<label for="{id[1]}">' in text
        assert re.search(r'autocomplete="(email|username|new-password|one-time-code)"', field)
        described = re.search(r'aria-describedby="([^"]+)"', field)
        assert described
        assert all(f'id="{each}"' in text for each in described[1].split())


@every_page
def test_page_has_no_inline_script_or_style(client: Client, name: str) -> None:
    assert not re.search(r"<style|<script(?![^>]* src=)| style=| on\w+=", html(client, name))


@every_page
def test_page_loads_only_cacheable_files_of_the_gateway(client: Client, name: str) -> None:
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html(client, name))
    assert len(addresses) == 5
    for address in addresses:
        assert address.startswith("/account/assets/")
        assert "immutable" in client.get(address).headers["Cache-Control"]


@every_page
def test_page_contains_no_part_of_its_url(client: Client, name: str) -> None:
    echo = html(client, name, "?token=s3cr3t-words&email=%3Cb%3Es3cr3t&name=s3cr3t")
    assert echo == html(client, name)
    assert "s3cr3t" not in echo


@every_page
def test_page_connects_to_the_gateway_only(client: Client, name: str) -> None:
    text = html(client, name)
    assert '<meta name="graphql-endpoint" content="/graphql">' in text
    asked = {each.replace("&quot;", '"') for each in re.findall(r'data-document="([^"]+)"', text)}
    assert asked
    assert asked <= set(DOCUMENTS.values())
    # Without the script the browser must not send typed values in a URL.
    assert all('method="post"' in form for form in re.findall(r"<form[^>]+>", text))


@every_page
def test_page_escapes_the_product_name(client: Client, settings: Any, name: str) -> None:
    settings.GATEWAY_NAME = "Salt & <Pepper>"
    assert "· Salt &amp; &lt;Pepper&gt;</title>" in html(client, name)
    assert "<Pepper>" not in html(client, name)


@every_page
def test_success_step_links_to_the_application(client: Client, settings: Any, name: str) -> None:
    assert "<a " not in html(client, name)
    settings.GATEWAY_APP_URL = 'https://app.example/?a=1&b="<b>'
    done = html(client, name).partition('data-step="done"')[2]
    assert '<a class="main" href="https://app.example/?a=1&amp;b=&quot;&lt;b&gt;">Go to Gateway</a>' in done


def test_username_field_is_next_to_the_new_password(client: Client) -> None:
    form = html(client, "reset").partition('data-step="link"')[2].partition("</form>")[0]
    assert '<input name="username" type="text" autocomplete="username" hidden readonly>' in form
    assert 'autocomplete="new-password"' in form


def test_page_shows_the_minimum_password_length(client: Client, settings: Any) -> None:
    settings.GATEWAY_PASSWORD_MIN_LENGTH = 15
    assert "At least 15 characters." in html(client, "reset")
