"""The enum of authentication methods."""

from tests.api import Api
from users.authentication_methods import AuthenticationMethod


def test_the_enum_has_every_method(api: Api) -> None:
    kind = api('{ __type(name: "AuthenticationMethod") { enumValues { name } } }').data["__type"]
    assert [value["name"] for value in kind["enumValues"]] == [method.name for method in AuthenticationMethod]
