"""The GraphQL engine: requests, documents, limits, errors and the schema."""
