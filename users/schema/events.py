"""What happened to the account, as its owner reads it."""

import graphene
from graphene.relay import PageInfo

from users import events

EventKind = graphene.Enum.from_enum(
    events.Kind, name="EventKind", description=lambda kind: kind.description if kind else events.Kind.__doc__
)


class Event(graphene.ObjectType):
    """Something that happened to the account."""

    id = graphene.ID(required=True, description="Names the event.")
    kind = graphene.Field(EventKind, required=True, description="What happened.")
    at = graphene.DateTime(required=True, description="When.")
    ip_address = graphene.String(description="From which address, where it is known.")
    user_agent = graphene.String(required=True, description="By which program, in its own words; may be empty.")

    def resolve_kind(event, info):
        return events.kind_of(event)


class EventEdge(graphene.ObjectType):
    """An event and its place."""

    node = graphene.Field(Event, required=True, description="The event.")
    cursor = graphene.String(required=True, description="Where it stands: `after` for the page that follows.")


class EventConnection(graphene.ObjectType):
    """A page of events, newest first."""

    edges = graphene.List(graphene.NonNull(EventEdge), required=True, description="The events of this page.")
    page_info = graphene.Field(PageInfo, required=True, description="Whether older events follow.")

    def resolve_edges(page, info):
        return [EventEdge(node=event, cursor=events.cursor(event)) for event in page.events]

    def resolve_page_info(page, info):
        return PageInfo(
            has_next_page=page.has_more,
            has_previous_page=False,
            start_cursor=events.cursor(page.events[0]) if page.events else None,
            end_cursor=events.cursor(page.events[-1]) if page.events else None,
        )
