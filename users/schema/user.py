"""The User type."""

from collections.abc import Iterator

import graphene
from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, InlineFragmentNode, SelectionSetNode

from users import events
from users.schema.events import EventConnection
from users.schema.sessions import Session
from users.sessions import sessions

# Fields of User that need the user's access token: a mailed token alone does not show them.
PRIVATE_FIELDS = frozenset({"sessions", "events"})


class User(graphene.ObjectType):
    """An account, visible only to its user."""

    id = graphene.ID(required=True, description="The account's id, which never changes; the `sub` of its tokens.")
    username = graphene.String(required=True, description="The name to sign in with; may change.")
    email = graphene.String(required=True, description="The email address, which also signs in.")
    is_email_verified = graphene.Boolean(required=True, description="Whether the email address is verified.")
    full_name = graphene.String(required=True, description="The full name; may be empty.")
    bio = graphene.String(required=True, description="A text about the user; may be empty.")
    image_url = graphene.String(description="URL of the user's picture.")
    date_joined = graphene.DateTime(required=True, description="When the account was created.")
    last_login = graphene.DateTime(description="When the user last signed in with the password.")
    roles = graphene.List(
        graphene.NonNull(graphene.String),
        required=True,
        description="Names of the groups the user is in; also a claim, where switched on.",
    )
    sessions = graphene.List(
        graphene.NonNull(Session),
        required=True,
        first=graphene.Int(default_value=sessions.MOST, description=f"How many, 0 to {sessions.MOST}."),
        description="Live sessions, the most recently used first. FORBIDDEN with a mailed token alone.",
    )
    events = graphene.Field(
        EventConnection,
        required=True,
        first=graphene.Int(default_value=20, description="How many, 0 to 100."),
        after=graphene.String(description="The cursor of the last event of the previous page."),
        description="What happened to the account, newest first. FORBIDDEN with a mailed token alone.",
    )

    def resolve_image_url(user, info):
        return user.image_url or None

    def resolve_roles(user, info):
        return user.roles()

    def resolve_sessions(user, info, first):
        return sessions.recent(sessions.shown(user), first=first)

    def resolve_events(user, info, first, after=None):
        return events.of(sessions.shown(user), first=first, after=after)


def selects_private_fields(info: GraphQLResolveInfo) -> bool:
    """Return whether the selection of the field being resolved contains one of PRIVATE_FIELDS, at any depth."""
    return any(name in PRIVATE_FIELDS for node in info.field_nodes for name in _names(info, node.selection_set))


def _names(info: GraphQLResolveInfo, selected: SelectionSetNode | None) -> Iterator[str]:
    for node in selected.selections if selected else ():
        if isinstance(node, FragmentSpreadNode):
            yield from _names(info, info.fragments[node.name.value].selection_set)
        elif isinstance(node, InlineFragmentNode):
            yield from _names(info, node.selection_set)
        elif isinstance(node, FieldNode):
            yield node.name.value
            yield from _names(info, node.selection_set)
