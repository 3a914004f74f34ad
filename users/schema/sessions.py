"""Sessions, as their owner sees and ends them."""

import graphene

from users import sessions
from users.schema.caller import signed_in
from users.schema.mutation import Mutation


class Session(graphene.ObjectType):
    """A sign-in on one device, alive until it is ended, expires, or the password changes."""

    id = graphene.ID(required=True, description="Names the session to `endSession`.")
    device_name = graphene.String(required=True, description="What the user called the device; may be empty.")
    user_agent = graphene.String(required=True, description="The program that used it last, in its own words.")
    ip_address = graphene.String(description="The address it was last used from.")
    created_at = graphene.DateTime(required=True, description="When the user signed in.")
    last_used_at = graphene.DateTime(required=True, description="When its tokens were last refreshed.")
    expires_at = graphene.DateTime(required=True, description="When it ends unless it is refreshed before.")
    is_current = graphene.Boolean(required=True, description="Whether it is the session of this request.")

    def resolve_last_used_at(session, info):
        return session.rotated_at

    def resolve_is_current(session, info):
        return session.id == session.user.current_session_id


class EndSession(Mutation):
    """End one of my sessions."""

    class Arguments:
        id = graphene.ID(required=True, description="The session's id, as `me { sessions { id } }` tells it.")

    ended = graphene.Boolean(required=True, description="True: its tokens are refused from now on.")

    def mutate(root, info, id):
        return EndSession(ended=sessions.end(signed_in(info), id=id))


class EndAllSessions(Mutation):
    """End all my sessions, or all but this one."""

    class Arguments:
        keep_current = graphene.Boolean(default_value=False, description="Whether this session stays.")

    ended_sessions = graphene.Int(required=True, description="How many sessions ended.")

    def mutate(root, info, keep_current):
        asking = signed_in(info)
        return EndAllSessions(ended_sessions=sessions.end_all(asking, keep_current=keep_current))
