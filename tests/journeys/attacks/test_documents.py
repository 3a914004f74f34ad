"""Many guesses in one request: aliases, batches, fragments, directives, several operations."""

from typing import Any

import orjson
import pytest

from gateway.graphql import documents
from tests.api import PASSWORD, Api
from users.models import Attempts, Event, Session

GUESSES = [f"guess number {number}" for number in range(49)] + [PASSWORD]


def guess(number: int, password: str, more: str = "") -> str:
    return f'g{number}: tokenAuth(username: "alice", password: "{password}") {more} {{ token }}'


def flat(separator: str, form: str) -> str:
    return separator.join(form % guess(number, password) for number, password in enumerate(GUESSES))


DOCUMENTS = {
    "S-21 aliases": f"mutation {{ {flat(' ', '%s')} }}",
    "S-21 two aliases": f"mutation {{ {guess(0, 'wrong')} {guess(1, PASSWORD)} }}",
    "S-23 inline fragments": f"mutation {{ {flat(' ', '... { %s }')} }}",
    "S-23 typed inline fragments": f"mutation {{ {flat(' ', '... on Mutation { %s }')} }}",
    "S-23 named fragments": f"mutation {{ {' '.join(f'...f{n}' for n in range(50))} }} "
    + " ".join(f"fragment f{n} on Mutation {{ {guess(n, password)} }}" for n, password in enumerate(GUESSES)),
    "S-23 nested fragments": "mutation { ...f0 } "
    + " ".join(
        f"fragment f{n} on Mutation {{ {guess(n, password)} {f'...f{n + 1}' if n < 19 else ''} }}"
        for n, password in enumerate(GUESSES[30:])
    ),
    "S-23 @include": f"mutation {{ {flat(' ', '... @include(if: true) { %s }')} }}",
    "S-23 @include on fields": "mutation { "
    + " ".join(guess(n, password, "@include(if: true)") for n, password in enumerate(GUESSES))
    + " }",
    "S-23 @skip of all but one": "mutation ($no: Boolean = false) { "
    + " ".join(guess(n, password, "@skip(if: $no)") for n, password in enumerate(GUESSES))
    + " }",
    "S-23 one fragment spread twice": f"mutation {{ ...f a: __typename ...g }} fragment f on Mutation {{ "
    f"{guess(0, 'wrong')} }} fragment g on Mutation {{ ...f {guess(1, PASSWORD)} }}",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_s21_s23_a_document_guesses_nothing_and_costs_nothing(
    api: Api, hashed: list[str], statements: Any, name: str
) -> None:
    api.new_member("alice")
    hashed.clear()
    with statements() as seen:
        answer = api(DOCUMENTS[name])
    assert answer.code == "OPERATION_TOO_COMPLEX"
    assert answer.json.get("data") is None
    assert (hashed, seen) == ([], [])
    assert len(answer.response.content) < 1_000
    assert api.sign_in("alice").data["tokenAuth"]["token"], "the account is not locked by it either"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_s21_s23_a_setting_that_opens_documents_to_mutations_opens_no_second_guess(
    api: Api, settings: Any, hashed: list[str], name: str
) -> None:
    for setting in ("MUTATIONS", "ROOT_FIELDS", "ALIASES", "FIELDS", "DEPTH"):
        setattr(settings, f"GATEWAY_MAX_{setting}", 10_000)
    settings.GATEWAY_MAX_TOKENS = 100_000
    # The refusal under the default settings may be cached.
    documents.clear_cache()
    answer = api(DOCUMENTS[name])
    documents.clear_cache()
    assert answer.code == "OPERATION_TOO_COMPLEX"
    assert answer.extensions["limit"] == "costly fields"
    assert hashed == []


def test_s23_of_several_operations_only_the_one_that_is_named_runs(api: Api, hashed: list[str]) -> None:
    api.new_member("alice")
    hashed.clear()
    several = " ".join(f"mutation m{n} {{ {guess(n, password)} }}" for n, password in enumerate(GUESSES[-10:]))
    for name, code in ((None, "OPERATION_RESOLUTION_FAILURE"), ("nothing", "OPERATION_RESOLUTION_FAILURE")):
        answer = api.post(orjson.dumps({"query": several, "operationName": name}))
        assert (answer.code, hashed) == (code, [])
    answer = api.post(orjson.dumps({"query": several, "operationName": "m0"}))
    assert (answer.code, hashed) == ("INVALID_CREDENTIALS", ["guess number 40"])


@pytest.mark.parametrize("most", [0, 100])
def test_s22_a_batch_guesses_once_at_most(api: Api, settings: Any, hashed: list[str], most: int) -> None:
    api.new_member("alice")
    sessions = Session.objects.count()
    hashed.clear()
    settings.GATEWAY_MAX_BATCH = most
    answer = api.post(orjson.dumps([{"query": f"mutation {{ {guess(0, password)} }}"} for password in GUESSES]))
    assert answer.status == (200 if most else 400)
    assert hashed == GUESSES[: 1 if most else 0]
    assert (Session.objects.count(), b"eyJ" in answer.response.content) == (sessions, False)


def test_s22_a_batch_of_fragments_and_of_other_costly_fields_is_one_as_well(
    api: Api, settings: Any, hashed: list[str]
) -> None:
    alice = api.new_member("alice")
    settings.GATEWAY_MAX_BATCH = 100
    hashed.clear()
    change = f'mutation {{ changePassword(oldPassword: "{PASSWORD}", newPassword: "any") {{ endedSessions }} }}'
    spread = f"mutation {{ ...f }} fragment f on Mutation {{ {guess(0, PASSWORD)} }}"
    asked = [{"query": f"mutation {{ {guess(0, 'wrong')} }}"}, {"query": change}, {"query": spread}]
    first, *others = api.post(orjson.dumps(asked), Authorization=f"Bearer {alice.token}").json
    assert first["errors"][0]["extensions"]["code"] == "INVALID_CREDENTIALS"
    assert {each["errors"][0]["extensions"]["code"] for each in others} == {"OPERATION_TOO_COMPLEX"}
    assert hashed == ["wrong"]
    assert not Event.objects.filter(kind__startswith="password.").exists()


def test_s66_a_sign_in_never_speaks_for_its_neighbours(api: Api, settings: Any) -> None:
    settings.GATEWAY_MAX_MUTATIONS = 5
    api.new_member("alice")
    answer = api(
        f'mutation {{ a: tokenAuth(username: "alice", password: "{PASSWORD}") {{ token }} '
        "b: endAllSessions { endedSessions } c: verifyToken { claims { sub } } }"
    )
    assert answer.json["data"]["a"]["token"]
    assert (answer.json["data"]["b"], answer.json["data"]["c"]) == (None, None)
    assert {error["extensions"]["code"] for error in answer.json["errors"]} == {"UNAUTHENTICATED"}
    assert Session.objects.filter(ended_at=None).count() == 2


def test_s21_guesses_that_never_ran_are_not_counted(api: Api) -> None:
    for document in DOCUMENTS.values():
        api(document)
    assert not Attempts.objects.exists()
