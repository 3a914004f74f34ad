"""Sessions, their access tokens, and the keys that sign these."""
