"""HTTP: middleware, headers, cookies, and the views that are not GraphQL."""
