"""Accounts: registration, profile, export and deletion."""

from typing import Any

import graphene
from graphene.types.generic import GenericScalar
from graphene.utils.str_converters import to_camel_case

from users.accounts import deletion, profiles, registration
from users.accounts.export import export
from users.schema.caller import caller, signed_in, signed_in_for_setup
from users.schema.mutation import Mutation
from users.schema.tokens import MaybeGranted
from users.schema.user import User, selects_only


class Query(graphene.ObjectType):
    """Queries of the account."""

    me = graphene.Field(User, description="The signed-in user. UNAUTHENTICATED without a valid access token.")
    account_export = graphene.Field(
        GenericScalar,
        description="Everything the gateway stores about the signed-in user except secrets, as a JSON object. "
        "UNAUTHENTICATED without a valid access token. With two-factor authentication, REAUTHENTICATION_REQUIRED "
        "without a recent second factor.",
    )

    def resolve_me(root, info):
        # Enough to set up two-factor authentication where the gateway requires it.
        return (signed_in_for_setup(info) if selects_only(info, {"security"}) else signed_in(info)).user

    def resolve_account_export(root, info):
        return camelize(export(signed_in(info)))


class Register(MaybeGranted, Mutation):
    """Create an account and sign in. BAD_USER_INPUT lists every invalid argument.

    If the gateway requires a verified email to sign in, it sends a mail and every field of the payload is null.
    """

    class Arguments:
        username = graphene.String(
            required=True,
            description="The username: letters a to z, digits, dots, dashes and underscores. Unique, ignoring case.",
        )
        email = graphene.String(
            required=True, description="The email of the account. No other account may have verified it."
        )
        password = graphene.String(required=True, description="The password, up to 256 characters of any script.")
        password_confirmation = graphene.String(description="The password again. If given, it must equal `password`.")
        full_name = graphene.String(description="The user's full name, up to 150 characters.")
        device_name = graphene.String(description="The name of this device in the list of sessions.")

    def mutate(root, info, **arguments):
        return registration.register(caller(info), **arguments) or Register()


class UpdateProfile(Mutation):
    """Change the given fields of the profile. An empty string clears a field; omitted fields stay unchanged."""

    class Arguments:
        full_name = graphene.String(description="The new full name, up to 150 characters.")
        bio = graphene.String(description="A new text about the user, up to 2,000 characters.")
        image_url = graphene.String(description="The URL of a picture: http:// or https://, up to 500 characters.")
        username = graphene.String(description="The new username. Other accounts can take the old one at once.")

    user = graphene.Field(User, required=True, description="The updated user.")

    def mutate(root, info, **changes):
        return UpdateProfile(user=profiles.update(signed_in(info), **changes))


class DeleteAccount(Mutation):
    """Close the account and end all sessions. It is erased after a grace period, unless the user signs in before."""

    class Arguments:
        password = graphene.String(description="The user's password. Required if the account has one.")

    erased_at = graphene.DateTime(required=True, description="The time at which the account will be erased.")

    def mutate(root, info, password=None):
        return DeleteAccount(erased_at=deletion.close(signed_in(info), password=password))


def camelize(value: Any) -> Any:
    """Return a copy of `value` in which the keys of all dictionaries are in camelCase."""
    match value:
        case dict():
            return {to_camel_case(key): camelize(each) for key, each in value.items()}
        case list():
            return [camelize(each) for each in value]
    return value
