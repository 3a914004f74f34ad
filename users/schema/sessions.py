"""Sessions of the signed-in user."""

import graphene

from users.authentication_methods import methods, parse
from users.schema.authentication_methods import AuthenticationMethod
from users.schema.caller import signed_in_for_setup
from users.schema.mutation import Mutation
from users.sessions import sessions


class Session(graphene.ObjectType):
    """A sign-in on one device. It lasts until it expires, the user ends it, or the password changes."""

    id = graphene.ID(required=True, description="The id of the session, for `endSession`.")
    device_name = graphene.String(required=True, description="The device name given at sign-in. May be empty.")
    user_agent = graphene.String(required=True, description="The User-Agent header of the last use. May be empty.")
    ip_address = graphene.String(description="The IP address of the last use, if known.")
    created_at = graphene.DateTime(required=True, description="The time of the sign-in.")
    last_used_at = graphene.DateTime(required=True, description="The time at which the session was last refreshed.")
    expires_at = graphene.DateTime(
        required=True, description="The time at which the session ends unless it is refreshed."
    )
    is_current = graphene.Boolean(required=True, description="Whether this request belongs to the session.")

    methods = graphene.List(
        graphene.NonNull(AuthenticationMethod),
        required=True,
        description="The methods that the user authenticated with in this session.",
    )
    authenticated_at = graphene.DateTime(
        required=True,
        description="The time at which the user last authenticated in this session. Refreshing does not change it.",
    )

    def resolve_methods(session, info):
        return methods(parse(session.methods))

    def resolve_last_used_at(session, info):
        return session.rotated_at

    def resolve_is_current(session, info):
        return session.id == session.user.current_session_id


class EndSession(Mutation):
    """End a session of the signed-in user."""

    class Arguments:
        id = graphene.ID(required=True, description="The id of the session, from `me { sessions { id } }`.")

    ended = graphene.Boolean(required=True, description="Always true: the tokens of the session no longer work.")
    ended_session_id = graphene.ID(required=True, description="The id of the session that ended.")

    def mutate(root, info, id):
        return EndSession(ended=True, ended_session_id=sessions.end(signed_in_for_setup(info), id=id))


class EndAllSessions(Mutation):
    """End all sessions of the signed-in user, or all except the current one."""

    class Arguments:
        keep_current = graphene.Boolean(default_value=False, description="Set to true to keep the current session.")

    ended_sessions = graphene.Int(required=True, description="The number of sessions that ended.")

    def mutate(root, info, keep_current):
        asking = signed_in_for_setup(info)
        return EndAllSessions(ended_sessions=sessions.end_all(asking, keep_current=keep_current))
