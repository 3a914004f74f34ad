"""Emails: verification, change, and undoing a change."""

import graphene

from users.accounts import emails
from users.schema.caller import caller, signed_in
from users.schema.mutation import Mutation
from users.schema.user import User, selects_private_fields


class VerifyEmail(Mutation):
    """Verify an email with the token from the mail. Works once.

    Send the user's access token to stay signed in: the first verification ends every other session of the account.
    """

    class Arguments:
        token = graphene.String(
            required=True, description="The token from the link; or the code, together with `email`."
        )
        email = graphene.String(description="The email that received the code. Omit it with a token from a link.")

    verified = graphene.Boolean(required=True, description="Always true: the email is verified.")
    user = graphene.Field(User, description="The user with this email. Null if one of its fields is refused.")

    def mutate(root, info, **arguments):
        return VerifyEmail(verified=True, user=emails.verify(caller(info), **arguments))


class RequestEmailVerification(Mutation):
    """Send a mail that verifies an email. The answer never reveals whether the account exists."""

    class Arguments:
        email = graphene.String(required=True, description="The email to verify.")
        username = graphene.String(
            description="The username of the account. Without it, the mail has a link for each account with this email."
        )

    accepted = graphene.Boolean(required=True, description="Always true, even if no mail is sent.")

    def mutate(root, info, **arguments):
        emails.request_verification(caller(info), **arguments)
        return RequestEmailVerification(accepted=True)


class ChangeEmail(Mutation):
    """Send a token to the new email. `verifyEmail` with this token then replaces the account's email."""

    class Arguments:
        new_email = graphene.String(required=True, description="The new email.")
        password = graphene.String(description="The user's password. Required if the account has one.")

    accepted = graphene.Boolean(required=True, description="Always true, even if another account has the new email.")

    def mutate(root, info, **arguments):
        emails.change(signed_in(info), **arguments)
        return ChangeEmail(accepted=True)


class UndoEmailChange(Mutation):
    """Restore the former email with the token mailed to it. Ends all sessions and disables the password.

    FORBIDDEN, without any change, if `sessions`, `events` or `security` are selected without the user's access token.
    """

    class Arguments:
        token = graphene.String(required=True, description="The token from the link.")

    user = graphene.Field(User, required=True, description="The user, with the former email.")
    ended_sessions = graphene.Int(required=True, description="The number of sessions that ended.")

    def mutate(root, info, token):
        # `user` is not nullable: an error inside it, after the change, would hide that the change took effect.
        needs_session = selects_private_fields(info)
        user, ended = emails.undo_change(caller(info), token=token, needs_session=needs_session)
        return UndoEmailChange(user=user, ended_sessions=ended)
