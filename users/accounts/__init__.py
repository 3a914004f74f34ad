"""Accounts: registration, profiles, emails, deletion and export."""
