"""The defaults of CORS: origins in development, and request headers."""

# Ports of the development servers of front-end tools.
DEVELOPMENT_ORIGINS = [
    f"http://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in (3000, 4173, 4200, 4321, 5173, 8080)
]
HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "apollo-require-preflight",
    "x-apollo-operation-name",
    "apollographql-client-name",
    "apollographql-client-version",
    "graphql-client-name",
    "graphql-client-version",
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
    "x-request-id",
    "x-requested-with",
    "cache-control",
    "idempotency-key",
]
