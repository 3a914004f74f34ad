"""Passwords: policy, hashing and changes."""
