"""Prometheus metrics of the account rules. No label identifies a user."""

from prometheus_client import CollectorRegistry, Counter, Gauge

registry = CollectorRegistry()

events = Counter("gateway_events", "Account events, by their kind in the audit trail.", ["kind"], registry=registry)
throttled = Counter(
    "gateway_throttled", "Attempts refused by a rate limit, by the name of the limit.", ["limit"], registry=registry
)
hashes = Gauge(
    "gateway_hashes",
    "Password hashes that are computed now (running) or wait for a free slot (waiting).",
    ["state"],
    registry=registry,
    multiprocess_mode="livesum",
)
hashes_refused = Counter(
    "gateway_hashes_refused",
    "Password hashes that were refused: the queue was full, the wait timed out, or another client took the place.",
    ["reason"],
    registry=registry,
)
