"""The caller of a resolver."""

from graphql import GraphQLResolveInfo

from users.caller import Caller, SignedIn
from users.mfa import factors
from users.sessions import access_tokens


def caller(info: GraphQLResolveInfo) -> Caller:
    """Return the client making the request, signed in or not."""
    asking: Caller = info.context.gateway.caller
    return asking


def signed_in(info: GraphQLResolveInfo) -> SignedIn:
    """Return the signed-in caller.

    Raise Unauthenticated if there is none, TwoFactorSetupRequired if the gateway requires two-factor authentication
    and the user has not turned it on.
    """
    asking = signed_in_for_setup(info)
    factors.require_set_up(asking.user)
    return asking


def signed_in_for_setup(info: GraphQLResolveInfo) -> SignedIn:
    """Return the signed-in caller, also before two-factor authentication is set up; raise Unauthenticated if none."""
    return access_tokens.signed_in(caller(info))
