"""`manage.py prune`: what is over is deleted, and nothing else."""

from datetime import timedelta
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from tests import mailbox
from tests.api import Api
from users.events import EventKind
from users.models import Event, Session


def test_old_events_are_pruned_and_young_ones_stay(api: Api, settings: Any, capsys: Any) -> None:
    api.new_member()
    settings.GATEWAY_EVENTS_KEPT = timedelta(days=30)
    old = timezone.now() - timedelta(days=31)
    Event.objects.bulk_create(Event(user=None, kind=EventKind.SIGN_IN_REFUSED.value, at=old) for _ in range(2_500))
    call_command("prune")
    assert "2500 events deleted" in capsys.readouterr().out
    assert Event.objects.count() == 1


def test_sessions_past_their_end_are_pruned_and_ended_ones_stay_until_then(api: Api, capsys: Any) -> None:
    api.revoke(api.new_member("alice").refresh_token)
    api.new_member("bob")
    Session.objects.filter(user__username="bob").update(absolute_expires_at=timezone.now() - timedelta(seconds=1))
    call_command("prune")
    assert "1 sessions deleted" in capsys.readouterr().out
    assert Session.objects.get().user.username == "alice"


def test_pruning_twice_finds_nothing_more(api: Api, capsys: Any) -> None:
    api.new_member()
    call_command("prune")
    call_command("prune")
    assert capsys.readouterr().out.splitlines()[-7:] == [
        "0 accounts deleted",
        "0 attempts deleted",
        "0 sessions deleted",
        "0 events deleted",
        "0 email tokens deleted",
        "0 mails deleted",
        "0 keys deleted",
    ]
    assert (Session.objects.count(), Event.objects.count(), mailbox.count_queued_mails()) == (1, 1, 1)
