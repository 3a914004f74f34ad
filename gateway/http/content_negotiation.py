"""Content negotiation: the media type of a response, and the status that goes with it."""

from functools import lru_cache

from django.utils.http import parse_header_parameters

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
HTML = "text/html"
CACHE_SIZE = 256
# Browsers send less. Longer headers are not cached, so that clients cannot fill the memory.
MAX_CACHED_LENGTH = 200


def negotiate(accept: str, offered: tuple[str, ...]) -> str | None:
    """Return the offered type that the Accept header prefers, by default the first. None if it accepts no type."""
    return _cached_negotiate(accept, offered) if len(accept) <= MAX_CACHED_LENGTH else _negotiate(accept, offered)


def request_error_status(media_type: str) -> int:
    """Return the status of a response without data.

    The audit of the GraphQL-over-HTTP working group requires 400 for the GraphQL type and 200 for plain JSON. The draft
    of August 2026 would change them to 422 and 294, which no client supports.
    """
    return 400 if media_type == GRAPHQL else 200


def _negotiate(accept: str, offered: tuple[str, ...]) -> str | None:
    best, best_quality = None, 0.0
    for media_range, quality in _media_ranges(accept or "*/*"):
        match = next((each for each in offered if media_range in {each, "*/*", f"{each.partition('/')[0]}/*"}), None)
        if match and quality > best_quality:
            best, best_quality = match, quality
    return best


def _media_ranges(accept: str) -> list[tuple[str, float]]:
    ranges = []
    for part in accept.split(","):
        try:
            media_range, parameters = parse_header_parameters(part)
            ranges.append((media_range, float(parameters.get("q", "1"))))
        except ValueError:
            # A malformed media range is ignored.
            continue
    return ranges


_cached_negotiate = lru_cache(maxsize=CACHE_SIZE)(_negotiate)
