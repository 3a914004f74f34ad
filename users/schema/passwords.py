"""Passwords: changing one's own, and choosing another where it is forgotten."""

import graphene

from users import passwords
from users.schema.caller import caller, signed_in
from users.schema.mutation import Mutation
from users.schema.user import User


class ChangePassword(Mutation):
    """Replace my password. This session stays, all others end."""

    class Arguments:
        old_password = graphene.String(required=True, description="The password as it is.")
        new_password = graphene.String(required=True, description="The password as it shall be.")

    user = graphene.Field(User, required=True, description="The user whose password was changed.")
    ended_sessions = graphene.Int(required=True, description="How many other sessions ended.")

    def mutate(root, info, **arguments):
        asking = signed_in(info)
        return ChangePassword(user=asking.user, ended_sessions=passwords.change(asking, **arguments))


class RequestPasswordReset(Mutation):
    """Have a mail sent, to choose a new password by. Answers alike, whether or not the address has an account."""

    class Arguments:
        email = graphene.String(required=True, description="The address of the account.")

    accepted = graphene.Boolean(required=True, description="True, whether or not an account has this address.")

    def mutate(root, info, email):
        passwords.request_reset(caller(info), email=email)
        return RequestPasswordReset(accepted=True)


class ResetPassword(Mutation):
    """Choose a new password with the token from the mail. Works once, ends all sessions, and opens none."""

    class Arguments:
        token = graphene.String(required=True, description="The token of the link, or, with `email`, the typed code.")
        new_password = graphene.String(required=True, description="The password as it shall be.")
        email = graphene.String(description="The address that the code was sent to; none with a link's token.")

    user = graphene.Field(User, required=True, description="The user whose password was replaced.")
    ended_sessions = graphene.Int(required=True, description="How many sessions ended.")

    def mutate(root, info, **arguments):
        user, ended = passwords.reset(caller(info), **arguments)
        return ResetPassword(user=user, ended_sessions=ended)
