"""The base class of the schema's mutations."""

from typing import Any

import graphene


class Mutation(graphene.Mutation):
    """A mutation with a payload type named `<Name>Payload`."""

    class Meta:
        abstract = True

    @classmethod
    def __init_subclass_with_meta__(cls, **options: Any) -> None:
        """Name the payload after the mutation, and keep the arguments in the order of their definition."""
        # graphene reads the class Arguments with dir(), which sorts the names.
        written = vars(getattr(cls, "Arguments", object))
        arguments = {name: value for name, value in written.items() if not name.startswith("__")}
        super().__init_subclass_with_meta__(name=f"{cls.__name__}Payload", arguments=arguments, **options)
