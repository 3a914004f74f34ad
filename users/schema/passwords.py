"""Passwords: changes by the signed-in user, and resets by mail."""

import graphene

from users.passwords import changes
from users.schema.caller import caller, signed_in
from users.schema.mutation import Mutation
from users.schema.user import User
from users.sessions import access_tokens


class ChangePassword(Mutation):
    """Replace the password. The current session continues; all others end."""

    class Arguments:
        old_password = graphene.String(required=True, description="The current password.")
        new_password = graphene.String(required=True, description="The new password.")

    user = graphene.Field(User, required=True, description="The user whose password changed.")
    ended_sessions = graphene.Int(required=True, description="How many other sessions ended.")

    def mutate(root, info, **arguments):
        asking = signed_in(info)
        return ChangePassword(user=asking.user, ended_sessions=changes.change(asking, **arguments))


class RequestPasswordReset(Mutation):
    """Send a mail that resets the password. The answer never reveals whether the account exists."""

    class Arguments:
        email = graphene.String(required=True, description="The account's email address.")

    accepted = graphene.Boolean(required=True, description="True, whether or not an account has this address.")

    def mutate(root, info, email):
        changes.request_reset(caller(info), email=email)
        return RequestPasswordReset(accepted=True)


class ResetPassword(Mutation):
    """Set a new password with the token from the mail. Works once, ends all sessions and does not sign in."""

    class Arguments:
        token = graphene.String(required=True, description="The token from the link, or, with `email`, the code.")
        new_password = graphene.String(required=True, description="The new password.")
        email = graphene.String(description="The address that the code was sent to. Omit it with a token from a link.")

    user = graphene.Field(User, description="The user whose password changed. Null if a field in it is refused.")
    ended_sessions = graphene.Int(required=True, description="How many sessions ended.")

    def mutate(root, info, **arguments):
        asking = caller(info)
        # Looked up before the reset, which ends the session of the access token as well.
        access_tokens.session_of(asking)
        user, ended = changes.reset(asking, **arguments)
        access_tokens.own_session(asking, user)
        return ResetPassword(user=user, ended_sessions=ended)
