"""Where mail goes: every address is taken as it was meant, or refused without a word of what is secret in it."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage

from gateway import environment, postoffice
from tests.server import manage

SMTP = "django.core.mail.backends.smtp"
USUAL = {"HOST": "localhost", "PORT": 25, "HOST_USER": "", "HOST_PASSWORD": "", "USE_TLS": False, "USE_SSL": False}
TAKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "console://": ("gateway.console", {}),
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
def test_an_address_of_a_mail_server_is_taken_as_it_was_meant(url: str) -> None:
    backend, found = TAKEN[url]
    expected = USUAL | {"FILE_PATH": None, "BACKEND": f"{backend}.EmailBackend"} | found
    assert postoffice.parse(url) == {f"EMAIL_{name}": value for name, value in expected.items()}


@pytest.mark.parametrize("url", REFUSED)
def test_another_is_refused_and_its_password_not_quoted(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    with pytest.raises(ImproperlyConfigured, match="smtp") as refusal:
        environment.read("EMAIL_URL", postoffice.parse, {}, secret=True)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("value", SENDERS)
def test_a_sender_is_one_whom_every_letter_can_name(value: str) -> None:
    sender = postoffice.sender(value)
    assert sender == SENDERS[value]
    assert EmailMessage("s", "b", sender, ["to@example.com"]).message()["From"] == sender
    assert postoffice.sender(sender) == sender


@pytest.mark.parametrize(
    "value", ["", "Gateway", "no-reply@", "Example, Inc. <a@b.example>", "a@b.example, c@d.example", "a\nb@c.example"]
)
def test_another_sender_is_refused_at_the_start(value: str) -> None:
    with pytest.raises(ValueError):
        postoffice.sender(value)


@pytest.mark.parametrize("name", ["Example, Inc.", "Café: (a) <b> @ c", 'The "Best"', "Dr. No"])
def test_any_name_of_the_product_can_be_the_senders(name: str) -> None:
    said = manage(
        {"GATEWAY_NAME": name},
        "shell",
        "-c",
        "from django.core.mail import EmailMessage; from email.utils import parseaddr;"
        "from email.header import make_header, decode_header;"
        "print(make_header(decode_header(parseaddr(EmailMessage('s', 'b', to=['a@b.example']).message()['From'])[0])))",
    )
    assert said.stdout.splitlines()[-1:] == [name], said.stderr
