"""Addresses: proving one's own, changing it, and having the former one back."""

import graphene

from users import emails
from users.schema.caller import caller, signed_in
from users.schema.mutation import Mutation
from users.schema.user import User


class VerifyEmail(Mutation):
    """Prove an address with the token from the mail. Works once.

    Send my access token along: the first proof of an account ends every session but the one that brings it.
    """

    class Arguments:
        token = graphene.String(required=True, description="The token of the link, or, with `email`, the typed code.")
        email = graphene.String(description="The address that the code was sent to; none with a link's token.")

    user = graphene.Field(User, required=True, description="The user whose address it is.")

    def mutate(root, info, **arguments):
        return VerifyEmail(user=emails.verify(caller(info), **arguments))


class RequestEmailVerification(Mutation):
    """Have a mail sent, to prove an address by. Always answers alike."""

    class Arguments:
        email = graphene.String(required=True, description="The address to prove.")
        username = graphene.String(description="Which account, where several were registered with this address.")

    accepted = graphene.Boolean(
        required=True, description="True, whether or not an account with this address waits to be proven."
    )

    def mutate(root, info, **arguments):
        emails.request_verification(caller(info), **arguments)
        return RequestEmailVerification(accepted=True)


class ChangeEmail(Mutation):
    """Mail a token to the new address; `verifyEmail` then swaps it in."""

    class Arguments:
        new_email = graphene.String(required=True, description="The address that shall be mine.")
        password = graphene.String(required=True, description="My password.")

    accepted = graphene.Boolean(
        required=True, description="True, whether or not the address is free; what is mailed there says the rest."
    )

    def mutate(root, info, **arguments):
        emails.change(signed_in(info), **arguments)
        return ChangeEmail(accepted=True)


class UndoEmailChange(Mutation):
    """Have the former address back, with the token that was mailed to it. Ends all sessions and voids the password."""

    class Arguments:
        token = graphene.String(required=True, description="The token of the link.")

    user = graphene.Field(User, required=True, description="The user whose address is the former one again.")
    ended_sessions = graphene.Int(required=True, description="How many sessions ended.")

    def mutate(root, info, token):
        user, ended = emails.undo_change(caller(info), token=token)
        return UndoEmailChange(user=user, ended_sessions=ended)
