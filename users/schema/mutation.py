"""What all mutations of the schema share: the name of their payload."""

from typing import Any

import graphene


class Mutation(graphene.Mutation):
    """A mutation whose payload type is called `<Name>Payload`."""

    class Meta:
        abstract = True

    @classmethod
    def __init_subclass_with_meta__(cls, **options: Any) -> None:
        """Name the payload after the mutation."""
        super().__init_subclass_with_meta__(name=f"{cls.__name__}Payload", **options)
