"""Django's email settings from EMAIL_URL: a mail server, or in development the console or a folder."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.mail.message import sanitize_address

PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}


def parse(url: str) -> dict[str, Any]:
    """a mail server such as smtp+tls://user:password@mail.example:587, or console:// or file:///var/mails"""
    scheme, _, rest = url.partition("://")
    if scheme == "console" and not rest:
        return _settings("gateway.conf.console_email")
    if scheme == "file" and rest:
        return _settings("django.core.mail.backends.filebased", FILE_PATH=rest)
    if scheme not in PORTS:
        raise ValueError
    # django-environ would turn a + in the password into a space.
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    # Text after the host is part of a password that is not percent-encoded.
    if not parts.hostname or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError
    # Django ignores a user without a password and a password without a user.
    if bool(user) != bool(password):
        raise ValueError
    return _settings(
        "django.core.mail.backends.smtp",
        HOST=parts.hostname,
        PORT=parts.port or PORTS[scheme],
        HOST_USER=user,
        HOST_PASSWORD=password,
        USE_TLS=scheme == "smtp+tls",
        USE_SSL=scheme == "smtp+ssl",
    )


def sender(value: str) -> str:
    """a sender such as no-reply@auth.example or "Example, Inc." <no-reply@auth.example>"""
    # Django would refuse it only when it sends an email.
    if "@" not in value:
        raise ValueError
    return sanitize_address(value, "utf-8")


def _settings(backend: str, **values: Any) -> dict[str, Any]:
    defaults = {
        "HOST": "localhost",
        "PORT": 25,
        "HOST_USER": "",
        "HOST_PASSWORD": "",
        "USE_TLS": False,
        "USE_SSL": False,
    }
    settings = defaults | {"FILE_PATH": None, "BACKEND": f"{backend}.EmailBackend"} | values
    return {f"EMAIL_{name}": value for name, value in settings.items()}
