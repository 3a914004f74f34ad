"""Accounts: joining, reading and describing oneself, and leaving."""

import graphene

from users import accounts
from users.schema.caller import caller, signed_in
from users.schema.mutation import Mutation
from users.schema.tokens import MaybeGranted
from users.schema.user import User


class Query(graphene.ObjectType):
    """Reads the account."""

    me = graphene.Field(User, description="The signed-in user. UNAUTHENTICATED without a valid access token.")

    def resolve_me(root, info):
        return signed_in(info).user


class Register(MaybeGranted, Mutation):
    """Make an account and sign in. BAD_USER_INPUT lists every argument that will not do.

    Where addresses must be verified before signing in, every field of the answer is null, and a mail says the rest.
    """

    class Arguments:
        username = graphene.String(
            required=True, description="Letters a to z, digits, dots, dashes, underscores; unique in any case."
        )
        email = graphene.String(required=True, description="An address that no other account has.")
        password = graphene.String(required=True, description="Up to 256 characters of any script.")
        password_confirmation = graphene.String(description="Where given, it must equal `password`.")
        full_name = graphene.String(description="The name people know the user by.")
        device_name = graphene.String(description="What to call this device in the list of sessions.")

    def mutate(root, info, **arguments):
        return accounts.register(caller(info), **arguments) or Register()


class UpdateProfile(Mutation):
    """Change what is given of my profile; an empty text empties, a missing argument changes nothing."""

    class Arguments:
        full_name = graphene.String(description="The name people know me by, up to 150 characters.")
        bio = graphene.String(description="What I say of myself, up to 2,000 characters.")
        image_url = graphene.String(description="Where my picture is: http:// or https://, up to 500 characters.")
        username = graphene.String(description="Another username; the old one is free for others at once.")

    user = graphene.Field(User, required=True, description="The user as it is now.")

    def mutate(root, info, **changes):
        return UpdateProfile(user=accounts.update_profile(signed_in(info), **changes))


class DeleteAccount(Mutation):
    """Close the account. Signs out everywhere; erased after the grace period, undone by signing in before."""

    class Arguments:
        password = graphene.String(required=True, description="My password.")

    erased_at = graphene.DateTime(required=True, description="When the account is erased for good.")

    def mutate(root, info, password):
        return DeleteAccount(erased_at=accounts.close(signed_in(info), password=password))
