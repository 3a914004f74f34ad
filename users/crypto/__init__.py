"""Pure cryptography: no models, no settings, no requests."""
