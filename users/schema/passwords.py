"""Passwords: change by the signed-in user, and reset by mail."""

import graphene

from users.passwords import changes
from users.schema.caller import caller, signed_in
from users.schema.mutation import Mutation
from users.schema.user import User


class ChangePassword(Mutation):
    """Replace the password. The current session continues; all others end."""

    class Arguments:
        old_password = graphene.String(required=True, description="The current password.")
        new_password = graphene.String(required=True, description="The new password.")

    user = graphene.Field(User, required=True, description="The user whose password changed.")
    ended_sessions = graphene.Int(required=True, description="The number of other sessions that ended.")

    def mutate(root, info, **arguments):
        asking = signed_in(info)
        return ChangePassword(user=asking.user, ended_sessions=changes.change(asking, **arguments))


class RequestPasswordReset(Mutation):
    """Send a mail to reset the password. The answer never reveals whether the account exists."""

    class Arguments:
        email = graphene.String(required=True, description="The account's email.")

    accepted = graphene.Boolean(required=True, description="Always true, even if no account has this email.")

    def mutate(root, info, email):
        changes.request_reset(caller(info), email=email)
        return RequestPasswordReset(accepted=True)


class ResetPassword(Mutation):
    """Set a new password with the token from the mail. Works once and ends all sessions. Sign in afterwards."""

    class Arguments:
        token = graphene.String(
            required=True, description="The token from the link; or the code, together with `email`."
        )
        new_password = graphene.String(required=True, description="The new password.")
        email = graphene.String(description="The email that received the code. Omit it with a token from a link.")

    user = graphene.Field(User, description="The user whose password changed. Null if one of its fields is refused.")
    ended_sessions = graphene.Int(required=True, description="The number of sessions that ended.")

    def mutate(root, info, **arguments):
        user, ended = changes.reset(caller(info), **arguments)
        return ResetPassword(user=user, ended_sessions=ended)
