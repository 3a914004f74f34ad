"""The edge as an app: its checks and its commands."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """The edge: HTTP, the GraphQL engine and the settings."""

    name = "gateway"

    def ready(self) -> None:
        """Let `manage.py check`, and so every start, know the gateway's own checks."""
        from gateway import checks

        checks.register()
