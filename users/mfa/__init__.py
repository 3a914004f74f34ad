"""Second factors: authenticator apps, recovery codes, and authenticating again before a change."""
