"""The User type."""

from collections.abc import Iterator

import graphene
from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, InlineFragmentNode, SelectionSetNode

from users import events
from users.mfa import two_factor
from users.schema.events import EventConnection
from users.schema.security import AccountSecurity
from users.schema.sessions import Session
from users.sessions import sessions

# Fields of User that need the user's access token. A mailed token alone does not give access to them.
PRIVATE_FIELDS = frozenset({"sessions", "events", "security"})


class User(graphene.ObjectType):
    """An account. Only its own user can read it."""

    id = graphene.ID(
        required=True, description="The id of the account, which never changes. The same as the `sub` claim."
    )
    username = graphene.String(required=True, description="The username, for signing in. It may change.")
    email = graphene.String(required=True, description="The email, which also works for signing in.")
    is_email_verified = graphene.Boolean(required=True, description="Whether the email is verified.")
    full_name = graphene.String(required=True, description="The full name. May be empty.")
    bio = graphene.String(required=True, description="A text about the user. May be empty.")
    image_url = graphene.String(description="The URL of the user's picture.")
    date_joined = graphene.DateTime(required=True, description="The time at which the account was created.")
    last_login = graphene.DateTime(description="The time of the last sign-in with the password.")
    roles = graphene.List(
        graphene.NonNull(graphene.String),
        required=True,
        description="The names of the user's groups. Also a claim, if `GATEWAY_TOKEN_CLAIMS` contains `roles`.",
    )
    sessions = graphene.List(
        graphene.NonNull(Session),
        required=True,
        first=graphene.Int(
            default_value=sessions.MAX_LISTED,
            description=f"The maximum number of sessions, 0 to {sessions.MAX_LISTED}.",
        ),
        description="The user's active sessions, most recently used first. FORBIDDEN without the user's access token.",
    )
    events = graphene.Field(
        EventConnection,
        required=True,
        first=graphene.Int(default_value=20, description="The maximum number of events, 0 to 100."),
        after=graphene.String(description="The cursor of the last event of the previous page."),
        description="The events of the account, newest first. FORBIDDEN without the user's access token.",
    )

    security = graphene.Field(
        AccountSecurity,
        required=True,
        description="The protection of the account. FORBIDDEN without the user's access token.",
    )

    def resolve_image_url(user, info):
        return user.image_url or None

    def resolve_roles(user, info):
        return user.roles()

    def resolve_sessions(user, info, first):
        return sessions.list_recent(sessions.require_session(user), first=first)

    def resolve_events(user, info, first, after=None):
        return events.page(sessions.require_session(user), first=first, after=after)

    def resolve_security(user, info):
        return two_factor.security(user)


def selects_only(info: GraphQLResolveInfo, fields: set[str]) -> bool:
    """Return whether the selection of the field being resolved contains no other fields than these."""
    names = {name for node in info.field_nodes for name in _names(info, node.selection_set, is_deep=False)}
    return names - {"__typename"} <= fields


def selects_private_fields(info: GraphQLResolveInfo) -> bool:
    """Return whether the selection of the field being resolved contains one of PRIVATE_FIELDS, at any depth."""
    return any(name in PRIVATE_FIELDS for node in info.field_nodes for name in _names(info, node.selection_set))


def _names(info: GraphQLResolveInfo, selected: SelectionSetNode | None, *, is_deep: bool = True) -> Iterator[str]:
    for node in selected.selections if selected else ():
        if isinstance(node, FragmentSpreadNode):
            yield from _names(info, info.fragments[node.name.value].selection_set, is_deep=is_deep)
        elif isinstance(node, InlineFragmentNode):
            yield from _names(info, node.selection_set, is_deep=is_deep)
        elif isinstance(node, FieldNode):
            yield node.name.value
            if is_deep:
                yield from _names(info, node.selection_set)
