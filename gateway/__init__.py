"""The edge: HTTP, the GraphQL engine and the settings."""
