"""The user, as the user sees it."""

import graphene

from users import accounts, events, sessions
from users.schema.events import EventConnection
from users.schema.sessions import Session


class User(graphene.ObjectType):
    """An account, shown to its owner alone."""

    id = graphene.ID(required=True, description="Names the account for good; also the token's `sub`.")
    username = graphene.String(required=True, description="What the user signs in by; may change.")
    email = graphene.String(required=True, description="The address, which the user can sign in by as well.")
    is_email_verified = graphene.Boolean(
        required=True, description="Whether the user has proven that the address is theirs."
    )
    full_name = graphene.String(required=True, description="The name people know the user by; may be empty.")
    bio = graphene.String(required=True, description="What the user says of themselves; may be empty.")
    image_url = graphene.String(description="Where the user's picture is.")
    date_joined = graphene.DateTime(required=True, description="When the account was made.")
    last_login = graphene.DateTime(description="When the user last signed in by password.")
    roles = graphene.List(
        graphene.NonNull(graphene.String),
        required=True,
        description="Names of the groups the user is in; also a claim, where switched on.",
    )
    sessions = graphene.List(
        graphene.NonNull(Session),
        required=True,
        description="Live sessions, the most recently used first. FORBIDDEN to who only has a mailed token.",
    )

    events = graphene.Field(
        EventConnection,
        required=True,
        first=graphene.Int(default_value=20, description="How many, up to 100."),
        after=graphene.String(description="The cursor of the last event of the page before."),
        description="What happened to the account, newest first. FORBIDDEN to who only has a mailed token.",
    )

    export = graphene.JSONString(
        required=True,
        description="Everything this gateway holds about the user but secrets, as JSON, to take away. "
        "FORBIDDEN to who only has a mailed token.",
    )

    def resolve_image_url(user, info):
        return user.image_url or None

    def resolve_roles(user, info):
        return user.roles()

    def resolve_sessions(user, info):
        return sessions.of(sessions.shown(user))

    def resolve_events(user, info, first, after=None):
        return events.of(sessions.shown(user), first=first, after=after)

    def resolve_export(user, info):
        return accounts.export(sessions.shown(user))
