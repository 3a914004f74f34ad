"""Mail in development: its text on the console, where the developer looks, without the wrapping of the wire."""

from typing import Any

from django.core.mail.backends import console


class EmailBackend(console.EmailBackend):
    """Writes whom a mail is for, what it is about, and what it says."""

    def write_message(self, message: Any) -> None:
        """Write one mail."""
        self.stream.write(f"Mail to {', '.join(message.to)}: {message.subject}\n\n{message.body.strip()}\n")
        self.stream.write("-" * 80 + "\n")
