"""Mutations: the names of their payloads and the order of their arguments."""

import pytest
from graphene import ObjectType, Schema, String

from gateway.graphql.schema import schema
from users.schema.mutation import Mutation


def test_every_payload_is_named_after_its_mutation() -> None:
    fields = schema.graphql_schema.mutation_type.fields
    for name, field in fields.items():
        expected = "Dashboard" if name == "dashboard" else f"{name[0].upper()}{name[1:]}Payload"
        assert str(field.type) == expected


ORDER = {
    "register": ["username", "email", "password", "passwordConfirmation", "fullName", "deviceName"],
    "updateProfile": ["fullName", "bio", "imageUrl", "username"],
    "tokenAuth": ["username", "password", "deviceName"],
    "changePassword": ["oldPassword", "newPassword"],
    "resetPassword": ["token", "newPassword", "email"],
    "verifyEmail": ["token", "email"],
    "changeEmail": ["newEmail", "password"],
}


@pytest.mark.parametrize("name", ORDER)
def test_arguments_are_printed_in_the_order_of_their_definition(name: str) -> None:
    assert list(schema.graphql_schema.mutation_type.fields[name].args) == ORDER[name]


@pytest.mark.parametrize("name", ["Greet", "GreetAll"])
def test_a_new_mutation_names_its_payload(name: str) -> None:
    made = type(name, (Mutation,), {"text": String(), "mutate": lambda root, info: None})
    mutations = type("Mutation", (ObjectType,), {"act": made.Field()})
    query = type("Query", (ObjectType,), {"a": String()})
    assert f"act: {name}Payload" in str(Schema(query=query, mutation=mutations))
