"""The documents of the landing pages."""

import json
from pathlib import Path
from typing import Any

import pytest

import gateway.graphql.documents
from gateway.graphql import persisted
from gateway.graphql.schema import schema
from gateway.pages.documents import DOCUMENTS
from tests.api import Api

NAMES = {"VerifyEmail", "RequestEmailVerification", "RequestPasswordReset", "ResetPassword", "UndoEmailChange"}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_document_fits_the_schema_and_the_limits(name: str) -> None:
    assert gateway.graphql.documents.load(schema.graphql_schema, DOCUMENTS[name])
    assert DOCUMENTS.keys() == NAMES


def test_documents_of_the_pages_are_always_trusted(api: Api, settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "trusted.json"
    file.write_text(json.dumps({"a": "{ __typename }"}))
    settings.GATEWAY_TRUSTED_DOCUMENTS = str(file)
    settings.GATEWAY_INTROSPECTION = False
    persisted.load_trusted.cache_clear()
    text = DOCUMENTS["VerifyEmail"]
    assert api(text, {"token": "none"}).code == "TOKEN_INVALID"
    assert api(f"{text} ", {"token": "none"}).code == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert api("VerifyEmail").code == "PERSISTED_QUERY_NOT_SUPPORTED"
    persisted.load_trusted.cache_clear()
