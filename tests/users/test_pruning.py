"""Deleting what is over, so many rows at a time."""

from typing import Any

from users import pruning
from users.models import Attempts


def test_f23_rows_go_in_batches_and_no_other_row_goes(db: None, monkeypatch: Any, statements: Any) -> None:
    monkeypatch.setattr(pruning, "BATCH", 3)
    Attempts.objects.bulk_create(Attempts(key=str(number), most=1, window=1, until=number) for number in range(10))
    with statements() as seen:
        assert pruning.delete(Attempts.objects.filter(until__lt=8)) == 8
    assert len([text for text in seen if text.startswith("DELETE")]) == 3
    assert set(Attempts.objects.values_list("key", flat=True)) == {"8", "9"}
