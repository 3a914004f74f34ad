"""Refresh tokens that the gateway never issued."""

INVALID_TOKENS = {
    "empty": "",
    "short": "x",
    "space": " ",
    "nul": "\x00" * 64,
    "emoji": "\U0001f600" * 64,
    "long": "A" * 90_000,
    "padded": "A" * 63 + "=",
    "other alphabet": "+/" * 32,
    "a uuid": "8f14e45f-ceea-467f-a8a3-6a2b1e0e7a11",
    "a jwt": "eyJhbGciOiJub25lIn0.e30.",
    "sql": "' OR 1=1 --",
    "unknown": "A" * 64,
    "wide": "\uff21" * 64,
    "newline": "A" * 64 + "\n",
}
