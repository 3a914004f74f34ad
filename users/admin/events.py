"""Events in the admin: listed and searched, never changed."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from users.admin.permissions import ReadOnly
from users.admin.site import site
from users.events import EventKind
from users.models import Event


def kind_label(kind: str) -> str:
    """Return the name of an event kind for people."""
    return kind.replace(".", " ").replace("_", " ").capitalize()


class KindFilter(admin.SimpleListFilter):
    """Filters events by kind, from the list of kinds instead of a search through the table."""

    title = parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the kinds, by label."""
        return sorted(((kind.value, kind_label(kind.value)) for kind in EventKind), key=lambda each: each[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        """Return the events of the chosen kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Event, site=site)
class EventAdmin(ReadOnly, admin.ModelAdmin):
    """Events."""

    list_display = ("time", "label", "user", "ip_address", "details")
    list_filter = (KindFilter,)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("user__username", "user__email", "ip_address")
    search_help_text = "Username, email or IP address"
    list_select_related = ("user",)
    date_hierarchy = "at"
    ordering = ("-at",)
    fields = ("time", "label", "meaning", "user", "session_id", "ip_address", "user_agent", "details")
    readonly_fields = ("time", "label", "meaning", "details")

    @admin.display(description="time (UTC)", ordering="at")
    def time(self, event: Event) -> str:
        """Return the moment, to the second."""
        return event.at.strftime("%Y-%m-%d %H:%M:%S")

    @admin.display(description="kind", ordering="kind")
    def label(self, event: Event) -> str:
        """Return the kind."""
        return kind_label(event.kind)

    @admin.display
    def meaning(self, event: Event) -> str:
        """Return the description of the kind."""
        return next((kind.description for kind in EventKind if kind.value == event.kind), "")

    @admin.display
    def details(self, event: Event) -> str:
        """Return the facts, one a line."""
        facts = ((name.replace("_", " "), _fact(value)) for name, value in event.facts.items())
        return format_html_join("", "<div>{}: <b>{}</b></div>", facts) or "-"

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        """Return False: events are kept as they were recorded."""
        return False


def _fact(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
