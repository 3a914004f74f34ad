"""The rules: accounts, and how they are proven."""
