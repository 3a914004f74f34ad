"""Settings from the environment: parsers, and defaults that depend on the machine."""
