"""Error messages."""

import pytest

from users.errors import RateLimited, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (61, "2 minutes"),
        (3_541, "1 hour"),
        (3_601, "2 hours"),
    ],
)
def test_duration_is_rounded_up(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_rate_limit_message_has_the_waiting_time() -> None:
    error = RateLimited(170)
    assert error.message == "Too many attempts. Try again in 3 minutes."
    assert error.extensions == {"retryAfter": 170}
