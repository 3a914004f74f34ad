"""Mail: the outbox, the messages, and the tokens that they carry."""
