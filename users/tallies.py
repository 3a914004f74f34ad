"""What is counted for whoever watches the gateway: how often and how much, never whose.

Every metric has a label, so that none of it exists before its first use: `manage.py serve` says where counts
are shared after this module was read.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge

registry = CollectorRegistry()

events = Counter(
    "gateway_events", "What happened to accounts, as the audit trail tells it.", ["kind"], registry=registry
)
throttled = Counter(
    "gateway_throttled", "Tries that were told to wait, by the full limit.", ["limit"], registry=registry
)
hashes = Gauge(
    "gateway_hashes",
    "Password hashes that are running, and that are waiting in the queue.",
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
