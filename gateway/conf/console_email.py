"""The email backend of development: prints emails without MIME headers and line wrapping."""

from typing import Any

from django.core.mail.backends import console


class EmailBackend(console.EmailBackend):
    """Prints the recipient, subject and text of an email."""

    def write_message(self, message: Any) -> None:
        """Print one email."""
        self.stream.write(f"Email to {', '.join(message.to)}: {message.subject}\n\n{message.body.strip()}\n")
        self.stream.write("-" * 80 + "\n")
