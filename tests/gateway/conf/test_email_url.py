"""EMAIL_URL and DEFAULT_FROM_EMAIL: parsed, or refused without showing the password."""

import runpy
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage

from gateway.conf import email_url, env
from tests.server import ROOT

SMTP = "django.core.mail.backends.smtp"
USUAL = {"HOST": "localhost", "PORT": 25, "HOST_USER": "", "HOST_PASSWORD": "", "USE_TLS": False, "USE_SSL": False}
TAKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "console://": ("gateway.conf.console_email", {}),
    "file:///var/mails": ("django.core.mail.backends.filebased", {"FILE_PATH": "/var/mails"}),
    "file://mails": ("django.core.mail.backends.filebased", {"FILE_PATH": "mails"}),
    "smtp://mail.example": (SMTP, {"HOST": "mail.example"}),
    "smtp://mail.example:2525/": (SMTP, {"HOST": "mail.example", "PORT": 2525}),
    "smtp://[::1]:2525": (SMTP, {"HOST": "::1", "PORT": 2525}),
    "smtp+tls://mail.example": (SMTP, {"HOST": "mail.example", "PORT": 587, "USE_TLS": True}),
    "smtp+ssl://mail.example": (SMTP, {"HOST": "mail.example", "PORT": 465, "USE_SSL": True}),
    "smtp+tls://me%40mail.example:a%3Ab%2Fc%40d%23%25%3F@mail.example": (
        SMTP,
        {
            "HOST": "mail.example",
            "PORT": 587,
            "USE_TLS": True,
            "HOST_USER": "me@mail.example",
            "HOST_PASSWORD": "a:b/c@d#%?",
        },
    ),
    "smtp://me+you:BPc+x9=@mail.example": (
        SMTP,
        {"HOST": "mail.example", "HOST_USER": "me+you", "HOST_PASSWORD": "BPc+x9="},
    ),
}
REFUSED = [
    "mail.example",
    "smtp:hunter2@mail.example",
    "smtp://",
    "smtp://:25",
    "smtp://me:hunter2@",
    "smtp://me:hunter2@mail.example:port",
    "smtp://me:hunter2@mail.example:99999",
    "smtp://me:12/hunter2@mail.example",
    "smtp://me:12#hunter2@mail.example",
    "smtp://me:12?hunter2@mail.example",
    "smtp://me:hunter2@mail.example/?ssl=hunter2",
    "smtp://[::1:hunter2@mail.example",
    "smtp://hunter2@mail.example",
    "smtp://:hunter2@mail.example",
    "smtps://me:hunter2@mail.example",
    "http://me:hunter2@mail.example",
    "console://hunter2",
    "file://",
]
SENDERS = {
    "no-reply@auth.example": "no-reply@auth.example",
    "Gateway <no-reply@auth.example>": "Gateway <no-reply@auth.example>",
    '"Example, Inc." <no-reply@auth.example>': '"Example, Inc." <no-reply@auth.example>',
    "Café <no-reply@bücher.example>": "=?utf-8?b?Q2Fmw6k=?= <no-reply@xn--bcher-kva.example>",
}


@pytest.mark.parametrize("url", TAKEN)
def test_email_url_is_parsed(url: str) -> None:
    backend, found = TAKEN[url]
    expected = USUAL | {"FILE_PATH": None, "BACKEND": f"{backend}.EmailBackend"} | found
    assert email_url.parse(url) == {f"EMAIL_{name}": value for name, value in expected.items()}


@pytest.mark.parametrize("url", REFUSED)
def test_invalid_email_url_is_refused_without_its_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    with pytest.raises(ImproperlyConfigured, match="smtp") as refusal:
        env.read("EMAIL_URL", email_url.parse, {}, secret=True)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("value", SENDERS)
def test_sender_is_valid_in_a_from_header(value: str) -> None:
    sender = email_url.sender(value)
    assert sender == SENDERS[value]
    assert EmailMessage("s", "b", sender, ["to@example.com"]).message()["From"] == sender
    assert email_url.sender(sender) == sender


@pytest.mark.parametrize(
    "value", ["", "Gateway", "no-reply@", "Example, Inc. <a@b.example>", "a@b.example, c@d.example", "a\nb@c.example"]
)
def test_invalid_sender_is_refused(value: str) -> None:
    with pytest.raises(ValueError):
        email_url.sender(value)


@pytest.mark.parametrize("name", ["Example, Inc.", "Café: (a) <b> @ c", 'The "Best"', "Dr. No"])
def test_every_product_name_is_valid_in_the_default_sender(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("GATEWAY_NAME", name)
    settings = runpy.run_path(str(ROOT / "gateway" / "settings.py"))
    header = EmailMessage("s", "b", settings["DEFAULT_FROM_EMAIL"], ["a@b.example"]).message()["From"]
    assert str(make_header(decode_header(parseaddr(header)[0]))) == name
