"""The admin's pages: users, groups, sessions and events. Django imports this package when the admin is on."""

from users.admin import events, sessions, users

__all__ = ["events", "sessions", "users"]
