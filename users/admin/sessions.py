"""Sessions in the admin: listed, and ended."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from users import events
from users.admin.permissions import ReadOnly, may_change
from users.admin.site import caller_of, site
from users.events import EventKind
from users.models import Session, User

FIELDS = ("device_name", "user_agent", "ip_address", "created_at", "rotated_at", "expires_at", "ended_at")


def end_live(request: HttpRequest, sessions: QuerySet[Session]) -> int:
    live, total = sessions.filter(ended_at=None), 0
    for user in list(User.objects.filter(sessions__in=live).distinct()):
        if not may_change(request, user):
            continue
        with transaction.atomic():
            # The user's row first, as every rule does, so that concurrent changes cannot deadlock.
            User.objects.select_for_update().only("id").filter(id=user.id).first()
            ended = live.filter(user=user).update(ended_at=timezone.now())
            if ended:
                reason, by = "ended by the staff", str(request.user.pk)
                events.record(caller_of(request), EventKind.SESSION_ENDED, user=user, reason=reason, ended=ended, by=by)
        total += ended
    return total


@admin.action(description="End the selected sessions", permissions=["end"])
def end_sessions(modeladmin: Any, request: HttpRequest, sessions: QuerySet[Session]) -> None:
    """End these sessions."""
    ended = end_live(request, Session.objects.filter(id__in=list(sessions.values_list("id", flat=True))))
    modeladmin.message_user(request, f"{ended} sessions ended.")


class SessionsOfUser(ReadOnly, admin.TabularInline):
    """The sessions of the user on the page."""

    model = Session
    fields = readonly_fields = FIELDS
    ordering = ("-rotated_at",)
    can_delete = False


@admin.register(Session, site=site)
class SessionAdmin(ReadOnly, admin.ModelAdmin):
    """Sessions."""

    list_display = ("user", *FIELDS)
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    list_per_page = 50
    search_fields = ("user__username", "user__email", "device_name", "ip_address")
    search_help_text = "Username, email, device name or IP address"
    list_select_related = ("user",)
    fields = ("user", *FIELDS)
    ordering = ("-rotated_at",)
    actions = (end_sessions,)

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Return whether the staff member may end sessions: Django's "Can change session"."""
        return request.user.has_perm("users.change_session")

    def has_delete_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Return False: an ended session must remain, so that its stolen tokens are recognised."""
        return False
