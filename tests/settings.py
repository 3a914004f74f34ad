"""The gateway's settings for tests and type checks: development, and no `.env` file."""

import os

os.environ.setdefault("DJANGO_DEBUG", "1")
os.environ.setdefault("GATEWAY_ENV_FILE", os.devnull)

from gateway.settings import *  # noqa: F403
