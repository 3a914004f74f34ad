"""Commands that run the gateway."""
