"""The edge: HTTP, the GraphQL engine, the settings and operations. The account rules are in `users`."""
