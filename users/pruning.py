"""Deletes many rows in batches, so that other transactions do not wait long for locks."""

from typing import Any

from django.db.models import QuerySet

BATCH = 1_000


def delete(rows: QuerySet[Any]) -> int:
    """Delete the rows, a thousand at a time, and return how many."""
    deleted = 0
    while keys := list(rows.values_list("pk", flat=True)[:BATCH]):
        deleted += rows.filter(pk__in=keys).delete()[0]
    return deleted
