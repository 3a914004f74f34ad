"""The codes of refusals, so that code generators emit them."""

from enum import Enum

import graphene

from users import errors


def described(kind: type[Enum]) -> graphene.Enum:
    """An enum of the schema whose values are described by their own texts."""
    return graphene.Enum.from_enum(kind, description=lambda each: each.value if each else kind.__doc__)


ErrorCode = described(errors.ErrorCode)
FieldErrorCode = described(errors.FieldErrorCode)


class Query(graphene.ObjectType):
    """Reads the codes."""

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
