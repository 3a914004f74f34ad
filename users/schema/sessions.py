"""Sessions of the signed-in user."""

import graphene

from users.schema.caller import signed_in
from users.schema.mutation import Mutation
from users.sessions import sessions


class Session(graphene.ObjectType):
    """A sign-in on one device. It lives until it is ended, expires, or the password changes."""

    id = graphene.ID(required=True, description="The session's id, for `endSession`.")
    device_name = graphene.String(required=True, description="The device name given at sign-in; may be empty.")
    user_agent = graphene.String(required=True, description="The User-Agent header of the last use; may be empty.")
    ip_address = graphene.String(description="The IP address of the last use, where known.")
    created_at = graphene.DateTime(required=True, description="When the user signed in.")
    last_used_at = graphene.DateTime(required=True, description="When its tokens were last refreshed.")
    expires_at = graphene.DateTime(required=True, description="When it ends unless it is refreshed before.")
    is_current = graphene.Boolean(required=True, description="Whether this request belongs to it.")

    def resolve_last_used_at(session, info):
        return session.rotated_at

    def resolve_is_current(session, info):
        return session.id == session.user.current_session_id


class EndSession(Mutation):
    """End one of my sessions."""

    class Arguments:
        id = graphene.ID(required=True, description="The session's id, from `me { sessions { id } }`.")

    ended = graphene.Boolean(required=True, description="True: its tokens are no longer accepted.")
    ended_session_id = graphene.ID(required=True, description="The id of the session that ended.")

    def mutate(root, info, id):
        return EndSession(ended=True, ended_session_id=sessions.end(signed_in(info), id=id))


class EndAllSessions(Mutation):
    """End all my sessions, or all but this one."""

    class Arguments:
        keep_current = graphene.Boolean(default_value=False, description="Whether to keep the current session.")

    ended_sessions = graphene.Int(required=True, description="How many sessions ended.")

    def mutate(root, info, keep_current):
        asking = signed_in(info)
        return EndAllSessions(ended_sessions=sessions.end_all(asking, keep_current=keep_current))
