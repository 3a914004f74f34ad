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
    "Passwords that are hashed now, and that wait for their turn.",
    ["state"],
    registry=registry,
    multiprocess_mode="livesum",
)
hashes_refused = Counter(
    "gateway_hashes_refused",
    "Passwords that were sent away: no seat to wait in, or no turn in time.",
    ["lacking"],
    registry=registry,
)
