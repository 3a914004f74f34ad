"""The gateway app: system checks and management commands."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """HTTP, the GraphQL engine, the settings and their checks."""

    name = "gateway"

    def ready(self) -> None:
        """Register the system checks, which run at every start."""
        from gateway import checks, passkey_checks  # noqa: F401
