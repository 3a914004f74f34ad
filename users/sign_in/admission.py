"""Admission: the last step of every sign-in, and the only place that opens sessions for it."""

from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.utils import timezone

from users import events, throttle
from users.caller import Caller
from users.errors import InvalidCredentials
from users.events import EventKind
from users.mail import messages, outbox
from users.models import User
from users.sessions import token_pairs
from users.sessions.token_pairs import TokenPair
from users.throttle import Attempt


def admit(caller: Caller, user: User, *, attempt: Attempt, device_name: str) -> TokenPair:
    """Open a session for a user who has proven everything that the account requires.

    Raise InvalidCredentials if the password changed, or the account was deactivated, since `user` was read.
    """
    is_new_place = throttle.is_new_place(caller, user)
    now = timezone.now()
    with transaction.atomic():
        unchanged = User.objects.filter(id=user.id, credential_version=user.credential_version, is_active=True)
        if not unchanged.update(last_login=now, erases_at=None):
            raise InvalidCredentials
        attempt.reset()
        events.record_reopening(caller, user=user)
        pair = token_pairs.issue(caller, user=user, device_name=device_name)
        events.record(caller, EventKind.SIGNED_IN, user=user, session_id=user.current_session_id)
        if is_new_place:
            outbox.notify(caller, messages.new_device, user=user, device=device_name)
    user.last_login, user.erases_at = now, None
    user_logged_in.send(sender=User, request=None, user=user)
    return token_pairs.move_to_cookie(caller, pair)
