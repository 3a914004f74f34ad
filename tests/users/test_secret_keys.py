"""The keys that are derived from SECRET_KEY."""

from typing import Any

from users import secret_keys


def test_the_secret_of_today_comes_before_those_it_replaced(settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "today", ["yesterday", "before"]
    assert secret_keys.secrets() == ["today", "yesterday", "before"]


def test_each_purpose_has_keys_of_its_own_in_the_same_order(settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "today", ["yesterday"]
    one, other = secret_keys.keys("one"), secret_keys.keys("other")
    assert len({*one, *other}) == 4
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "yesterday", ["today"]
    assert secret_keys.keys("one") == one[::-1]
