"""Who asks, as resolvers see it."""

from graphql import GraphQLResolveInfo

from users import tokens
from users.caller import Caller, SignedIn


def caller(info: GraphQLResolveInfo) -> Caller:
    """Anyone, signed in or not."""
    asking: Caller = info.context.caller
    return asking


def signed_in(info: GraphQLResolveInfo) -> SignedIn:
    """The signed-in user who asks; UNAUTHENTICATED where there is none."""
    return tokens.signed_in(caller(info))
