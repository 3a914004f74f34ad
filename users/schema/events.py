"""Events of the account."""

import graphene

from users import events

EventKind = graphene.Enum.from_enum(
    events.EventKind, name="EventKind", description=lambda kind: kind.description if kind else events.EventKind.__doc__
)


class Event(graphene.ObjectType):
    """An event of the account."""

    id = graphene.ID(required=True, description="The id of the event.")
    kind = graphene.Field(EventKind, required=True, description="The kind of event.")
    at = graphene.DateTime(required=True, description="The time of the event.")
    ip_address = graphene.String(description="The IP address of the client, if known.")
    user_agent = graphene.String(required=True, description="The User-Agent header of the client. May be empty.")

    def resolve_kind(event, info):
        return events.kind_of(event)


class EventEdge(graphene.ObjectType):
    """An event and its cursor."""

    node = graphene.Field(Event, required=True, description="The event.")
    cursor = graphene.String(
        required=True, description="The cursor of the event, for the `after` argument of the next page."
    )


class PageInfo(graphene.ObjectType):
    """A page of a Relay connection."""

    has_next_page = graphene.Boolean(required=True, description="Whether another page follows.")
    has_previous_page = graphene.Boolean(required=True, description="Always false: pages are read forwards only.")
    start_cursor = graphene.String(description="The cursor of the first item. Null if the page is empty.")
    end_cursor = graphene.String(description="The cursor of the last item, for `after`. Null if the page is empty.")


class EventConnection(graphene.ObjectType):
    """A page of events, newest first."""

    edges = graphene.List(graphene.NonNull(EventEdge), required=True, description="The events of this page.")
    page_info = graphene.Field(
        PageInfo, required=True, description="The cursors of this page, and whether older events follow."
    )

    def resolve_edges(page, info):
        return [EventEdge(node=event, cursor=events.cursor(event)) for event in page.events]

    def resolve_page_info(page, info):
        return PageInfo(
            has_next_page=page.has_more,
            has_previous_page=False,
            start_cursor=events.cursor(page.events[0]) if page.events else None,
            end_cursor=events.cursor(page.events[-1]) if page.events else None,
        )
