"""Rate-limit counters."""

from django.db import models


class Attempts(models.Model):
    """A rate-limit counter: attempts in a window of time. Times and durations are in milliseconds."""

    key = models.CharField(max_length=100, primary_key=True)
    tried = models.PositiveIntegerField(default=0)
    most = models.PositiveIntegerField()
    window = models.BigIntegerField()
    until = models.BigIntegerField(db_index=True)
    # Whether an event was recorded for this full window.
    is_told = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.key
