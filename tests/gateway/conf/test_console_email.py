"""The email backend of development."""

import io

from django.core.mail import EmailMultiAlternatives, get_connection

from gateway.conf.email_url import parse


def test_email_is_printed_without_mime_headers() -> None:
    said = io.StringIO()
    with get_connection(parse("console://")["EMAIL_BACKEND"], stream=said) as connection:
        mail = EmailMultiAlternatives("Confirm", "Open http://localhost/#token=abc\n", to=["a@b.example"])
        mail.attach_alternative("<p>Open</p>", "text/html")
        assert connection.send_messages([mail, mail]) == 2
    shown = "Email to a@b.example: Confirm\n\nOpen http://localhost/#token=abc\n" + "-" * 80 + "\n"
    assert said.getvalue().count(shown) == 2
    assert "<p>" not in said.getvalue()
