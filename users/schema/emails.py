"""Email addresses: verification, changes and their undoing."""

import graphene

from users.accounts import emails
from users.schema.caller import caller, signed_in
from users.schema.mutation import Mutation
from users.schema.user import User, selects_private_fields


class VerifyEmail(Mutation):
    """Verify an email address with the token from the mail. Works once.

    Send the user's access token along: the first verification ends every other session of the account.
    """

    class Arguments:
        token = graphene.String(required=True, description="The token from the link, or, with `email`, the code.")
        email = graphene.String(description="The address that the code was sent to. Omit it with a token from a link.")

    verified = graphene.Boolean(required=True, description="True: the email address is verified.")
    user = graphene.Field(User, description="The user with this email address. Null if a field in it is refused.")

    def mutate(root, info, **arguments):
        return VerifyEmail(verified=True, user=emails.verify(caller(info), **arguments))


class RequestEmailVerification(Mutation):
    """Send a mail that verifies an email address. The answer never reveals whether the account exists."""

    class Arguments:
        email = graphene.String(required=True, description="The email address to verify.")
        username = graphene.String(
            description="The account to verify. Without it, the mail has a link for each account with this email."
        )

    accepted = graphene.Boolean(required=True, description="True, whether or not a mail is sent.")

    def mutate(root, info, **arguments):
        emails.request_verification(caller(info), **arguments)
        return RequestEmailVerification(accepted=True)


class ChangeEmail(Mutation):
    """Send a token to the new address; `verifyEmail` then makes it the account's."""

    class Arguments:
        new_email = graphene.String(required=True, description="The new email address.")
        password = graphene.String(description="The user's password. Required where the account has one.")

    accepted = graphene.Boolean(required=True, description="True, whether or not the new address is free.")

    def mutate(root, info, **arguments):
        emails.change(signed_in(info), **arguments)
        return ChangeEmail(accepted=True)


class UndoEmailChange(Mutation):
    """Restore the former address with the token mailed to it. Ends all sessions and disables the password.

    FORBIDDEN, before anything is changed, if `sessions` or `events` are selected without the user's access token.
    """

    class Arguments:
        token = graphene.String(required=True, description="The token from the link.")

    user = graphene.Field(User, required=True, description="The user, with the former email address.")
    ended_sessions = graphene.Int(required=True, description="How many sessions ended.")

    def mutate(root, info, token):
        # `user` is not nullable: an error inside it, after the change, would hide that the change took effect.
        needs_session = selects_private_fields(info)
        user, ended = emails.undo_change(caller(info), token=token, needs_session=needs_session)
        return UndoEmailChange(user=user, ended_sessions=ended)
