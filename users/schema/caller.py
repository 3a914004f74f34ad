"""The caller of a resolver."""

from graphql import GraphQLResolveInfo

from users.caller import Caller, SignedIn
from users.sessions import access_tokens


def caller(info: GraphQLResolveInfo) -> Caller:
    """Return the client making the request, signed in or not."""
    asking: Caller = info.context.gateway.caller
    return asking


def signed_in(info: GraphQLResolveInfo) -> SignedIn:
    """Return the signed-in caller; raise Unauthenticated if there is none."""
    return access_tokens.signed_in(caller(info))
