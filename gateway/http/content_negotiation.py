"""Which of our media types a client takes, and which status an answer has in it."""

from functools import lru_cache

from django.utils.http import parse_header_parameters

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
HTML = "text/html"
# Longer than any browser's; what is remembered must not grow with what is sent.
LONGEST = 200


def choose(accept: str, offered: tuple[str, ...]) -> str | None:
    """The offered type that an Accept header likes best; the first where it says nothing of use."""
    return _remembered(accept, offered) if len(accept) <= LONGEST else _choose(accept, offered)


def status_of_request_error(media: str) -> int:
    """The status of an answer without data.

    The audit of the GraphQL-over-HTTP working group asks for 400 in the GraphQL type and 200 in plain
    JSON; the specification's draft of August 2026 would have 422 and 294, which no client knows yet.
    """
    return 400 if media == GRAPHQL else 200


def _choose(accept: str, offered: tuple[str, ...]) -> str | None:
    best, best_quality = None, 0.0
    for kind, quality in _accepted(accept or "*/*"):
        match = next((each for each in offered if kind in {each, "*/*", f"{each.partition('/')[0]}/*"}), None)
        if match and quality > best_quality:
            best, best_quality = match, quality
    return best


def _accepted(accept: str) -> list[tuple[str, float]]:
    accepted = []
    for part in accept.split(","):
        try:
            kind, parameters = parse_header_parameters(part)
            accepted.append((kind, float(parameters.get("q", "1"))))
        except ValueError:
            # No media range, or no quality: nothing that could be chosen.
            continue
    return accepted


_remembered = lru_cache(maxsize=256)(_choose)
