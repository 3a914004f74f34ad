"""Error codes, as enums, so that code generators emit them."""

from enum import Enum

import graphene

from users import errors


def described(kind: type[Enum]) -> graphene.Enum:
    """Return a GraphQL enum. The value of each member is its description."""
    return graphene.Enum.from_enum(kind, description=lambda each: each.value if each else kind.__doc__)


ErrorCode = described(errors.ErrorCode)
FieldErrorCode = described(errors.FieldErrorCode)


class Query(graphene.ObjectType):
    """Queries of the error codes."""

    error_codes = graphene.NonNull(
        graphene.List(graphene.NonNull(ErrorCode)), description="Every value that `extensions.code` can take."
    )
    field_error_codes = graphene.NonNull(
        graphene.List(graphene.NonNull(FieldErrorCode)),
        description="Every value that `extensions.fieldErrors[].code` can take.",
    )

    def resolve_error_codes(root, info):
        return list(errors.ErrorCode)

    def resolve_field_error_codes(root, info):
        return list(errors.FieldErrorCode)
