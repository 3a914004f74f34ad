"""The codes of refusals, for people and for code generators."""

from tests.api import Api
from users.errors import ErrorCode, FieldErrorCode


def test_anyone_reads_all_codes(api: Api) -> None:
    assert api("{ errorCodes fieldErrorCodes }").data == {
        "errorCodes": [code.name for code in ErrorCode],
        "fieldErrorCodes": [code.name for code in FieldErrorCode],
    }


def test_every_code_is_described_in_the_schema(api: Api) -> None:
    document = '{ __type(name: "%s") { kind enumValues { name description } } }'
    for name, codes in (("ErrorCode", ErrorCode), ("FieldErrorCode", FieldErrorCode)):
        told = api(document % name).data["__type"]
        assert told["kind"] == "ENUM"
        assert {each["name"]: each["description"] for each in told["enumValues"]} == {
            code.name: code.value for code in codes
        }
