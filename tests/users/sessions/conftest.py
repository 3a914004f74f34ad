"""Fixtures for the tests of sessions."""

from typing import Any

import pytest


@pytest.fixture
def without_key(settings: Any, db: None) -> Any:
    """Leave out the signing key of the settings, and return the settings."""
    settings.GATEWAY_SIGNING_KEYS = ""
    return settings
