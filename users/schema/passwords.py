"""Passwords: changing one's own."""

import graphene

from users import passwords
from users.schema.caller import signed_in
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
