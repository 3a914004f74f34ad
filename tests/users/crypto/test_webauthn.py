"""WebAuthn responses of a software authenticator, with fido2 as an independent witness."""

import base64
import hashlib
from dataclasses import replace
from typing import Any

import cbor2
import orjson
import pytest
from fido2.server import Fido2Server
from fido2.webauthn import PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity, UserVerificationRequirement

from tests.authenticator import BACKED_UP, ELIGIBLE, HAS_KEY, PRESENT, VERIFIED, Authenticator
from users.crypto import webauthn
from users.crypto.webauthn import Malformed, Refused, RelyingParty

RP = RelyingParty("localhost", "Gateway", ["http://localhost:8000", "https://app.localhost"])
HANDLE = b"h" * 16
CHALLENGE = b"c" * 56
TEXT = base64.urlsafe_b64encode(CHALLENGE).decode().rstrip("=")


def create(key: Authenticator, *, challenge: bytes = CHALLENGE, **client_data: Any) -> webauthn.Registration:
    options = {"challenge": TEXT, "user": {"id": base64.urlsafe_b64encode(HANDLE).decode().rstrip("=")}}
    credential = webauthn.parse_registration(key.create(options, **client_data))
    webauthn.challenge_of(credential)
    return webauthn.verify_registration(RP, credential, challenge=challenge)


def get(
    key: Authenticator, made: webauthn.Registration, *, challenge: bytes = CHALLENGE, **client_data: Any
) -> webauthn.Assertion:
    credential = webauthn.parse_assertion(key.get({"challenge": TEXT}, **client_data))
    webauthn.challenge_of(credential)
    return webauthn.verify_assertion(
        RP,
        credential,
        challenge=challenge,
        public_key=made.public_key,
        user_handle=HANDLE,
        is_backup_eligible=made.is_backup_eligible,
    )


def test_options_require_user_verification_and_a_discoverable_passkey() -> None:
    options = webauthn.creation_options(
        RP,
        challenge=CHALLENGE,
        timeout=600_000,
        user_handle=HANDLE,
        username="alice",
        display_name="Alice",
        exclude=[webauthn.Descriptor("AAEC", ["usb"])],
    )
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert options["attestation"] == "none"
    assert [each["alg"] for each in options["pubKeyCredParams"]] == [-8, -7, -257]
    assert options["excludeCredentials"] == [{"id": "AAEC", "type": "public-key", "transports": ["usb"]}]
    assert options["user"]["id"] == base64.urlsafe_b64encode(HANDLE).decode().rstrip("=")
    assert orjson.loads(orjson.dumps(options)) == options
    request = webauthn.request_options(RP, challenge=CHALLENGE, timeout=600_000)
    assert request["userVerification"] == "required"
    assert request["allowCredentials"] == []


def test_passkey_is_created_and_used() -> None:
    key = Authenticator(flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP, count=0)
    made = create(key)
    assert made.is_backup_eligible
    assert made.is_backed_up
    assert get(key, made) == webauthn.Assertion(0, True, True)


def test_fido2_accepts_what_the_software_authenticator_makes() -> None:
    server = Fido2Server(
        PublicKeyCredentialRpEntity(id="localhost", name="Gateway"), verify_origin=lambda origin: origin in RP.origins
    )
    key = Authenticator()
    user = PublicKeyCredentialUserEntity(id=HANDLE, name="alice")
    _, state = server.register_begin(user, user_verification=UserVerificationRequirement.REQUIRED, challenge=CHALLENGE)
    options = {"challenge": TEXT, "user": {"id": base64.urlsafe_b64encode(HANDLE).decode().rstrip("=")}}
    data = server.register_complete(state, key.create(options))
    _, state = server.authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED, challenge=CHALLENGE)
    server.authenticate_complete(state, [data.credential_data], key.get({"challenge": TEXT}))


@pytest.mark.parametrize("flags", [PRESENT, VERIFIED, 0, PRESENT | VERIFIED | BACKED_UP])
def test_unverified_user_and_impossible_flags_are_refused(flags: int) -> None:
    with pytest.raises(Refused):
        create(Authenticator(flags=flags))
    key = Authenticator()
    made = create(key)
    with pytest.raises(Refused):
        get(replace(key, flags=flags), made)


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "http://localhost:8001",
        "http://LOCALHOST:8000",
        "http://localhost.:8000",
        "https://localhost:8000",
        "http://evil-localhost:8000",
        "http://localhost:8000/",
        "https://app.localhost.evil.example",
        "null",
        "",
    ],
)
def test_other_origins_are_refused(origin: str) -> None:
    with pytest.raises(Refused):
        create(Authenticator(origin=origin))
    key = Authenticator()
    made = create(key)
    with pytest.raises(Refused):
        get(replace(key, origin=origin), made)


def test_every_listed_origin_is_accepted() -> None:
    key = Authenticator(origin="https://app.localhost")
    assert get(key, create(key)).sign_count == 2


@pytest.mark.parametrize("value", [True, 1, "false", [0]])
def test_ceremony_framed_by_another_origin_is_refused(value: Any) -> None:
    with pytest.raises(Refused, match="framed"):
        create(Authenticator(), crossOrigin=value)
    key = Authenticator()
    made = create(key)
    with pytest.raises(Refused, match="framed"):
        get(key, made, crossOrigin=value)


@pytest.mark.parametrize(
    "changes", [{"type": "webauthn.other"}, {"challenge": "AAAA"}, {"challenge": 1}, {"origin": None}, {"origin": []}]
)
def test_other_client_data_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        create(Authenticator(), **changes)
    key = Authenticator()
    made = create(key)
    with pytest.raises(Refused):
        get(key, made, **changes)


def test_other_rp_id_is_refused() -> None:
    with pytest.raises(Refused):
        create(Authenticator(rp_id="example.com"))


def test_other_challenge_is_refused() -> None:
    with pytest.raises(Refused):
        create(Authenticator(), challenge=b"x" * 56)


@pytest.mark.parametrize("handle", [None, b"", b"x" * 16, HANDLE[:15], HANDLE + b"x"])
def test_missing_or_foreign_user_handle_is_refused(handle: bytes | None) -> None:
    key = Authenticator()
    made = create(key)
    key.user_handle = handle
    with pytest.raises(Refused, match="user handle"):
        get(key, made)


@pytest.mark.parametrize(("before", "after"), [(0, ELIGIBLE), (ELIGIBLE, 0)])
def test_changed_backup_eligible_flag_is_refused(before: int, after: int) -> None:
    key = Authenticator(flags=PRESENT | VERIFIED | before)
    made = create(key)
    key.flags = PRESENT | VERIFIED | after
    with pytest.raises(Refused, match="backup-eligible"):
        get(key, made)


def test_signature_of_another_key_is_refused() -> None:
    key = Authenticator()
    made = create(key)
    with pytest.raises(Refused, match="signature"):
        get(Authenticator(id=key.id, user_handle=HANDLE), made)


def test_credential_id_that_the_authenticator_did_not_sign_is_refused() -> None:
    options = {"challenge": TEXT, "user": {"id": "AAAA"}}
    credential = Authenticator().create(options)
    credential["id"] = credential["rawId"] = "AAEC"
    with pytest.raises(Refused, match="credential id"):
        webauthn.verify_registration(RP, webauthn.parse_registration(credential), challenge=CHALLENGE)


def test_credential_id_longer_than_the_standard_allows_is_refused() -> None:
    create(Authenticator(id=b"i" * 1_023))
    with pytest.raises(Refused, match="credential id"):
        create(Authenticator(id=b"i" * 1_024))


NESTED: Any = {}
for _ in range(500):
    NESTED = {"a": NESTED}
LIST: Any = []
for _ in range(500):
    LIST = [LIST]


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        1,
        "text",
        "{}",
        True,
        {},
        {"id": "AAEC"},
        {"id": 1, "rawId": 1, "response": 1, "type": "public-key"},
        {"id": "\ud800", "rawId": "AA", "response": {}, "type": "public-key"},
        {"id": 2**80},
        NESTED,
        {"response": LIST},
        {"id": "a" * 8_193},
    ],
    ids=range(14),
)
def test_other_values_are_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        webauthn.parse_registration(value)
    with pytest.raises(Malformed):
        webauthn.parse_assertion(value)


def test_credential_may_have_8_kb() -> None:
    credential = Authenticator().create({"challenge": TEXT, "user": {"id": "AAAA"}})
    credential["padding"] = ""
    credential["padding"] = "a" * (webauthn.MAX_SIZE - len(orjson.dumps(credential)))
    webauthn.parse_registration(credential)
    credential["padding"] += "a"
    with pytest.raises(Malformed):
        webauthn.parse_registration(credential)


# Deeply nested JSON and CBOR, cut-off data, and a length that is longer than the data.
@pytest.mark.parametrize(
    "attestation",
    [
        b"",
        b"\x81" * 4_000,
        b"\xa1\x61a" * 1_500,
        b"\xff",
        b"\x9b" + b"\xff" * 8,
        b"\x5b\x7f" + b"\xff" * 7,
        cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": b""}),
        cbor2.dumps({"fmt": "none", "attStmt": {"x": 1}, "authData": b"x" * 200}),
        cbor2.dumps({"fmt": ["none"], "attStmt": {}, "authData": b"x" * 200}),
        cbor2.dumps({"fmt": "tpm", "attStmt": {"ver": "2.0"}, "authData": b"x" * 200}),
        cbor2.dumps(
            {
                "fmt": "none",
                "attStmt": {},
                "authData": hashlib.sha256(b"localhost").digest()
                + bytes([PRESENT | VERIFIED | HAS_KEY])
                + bytes(4 + 16)
                + b"\x00\x01i"
                + b"\x81" * 4_000,
            }
        ),
    ],
    ids=range(11),
)
def test_broken_attestation_objects_are_refused(attestation: bytes) -> None:
    credential = Authenticator().create({"challenge": TEXT, "user": {"id": "AAAA"}})
    credential["response"]["attestationObject"] = base64.urlsafe_b64encode(attestation).decode().rstrip("=")
    with pytest.raises(Refused):
        webauthn.verify_registration(RP, webauthn.parse_registration(credential), challenge=CHALLENGE)


@pytest.mark.parametrize("client_data", [b"", b"[]", b"1", b"[" * 5_000, b'{"a":' * 1_000, b"\xff", b'{"type":1}'])
def test_broken_client_data_is_refused(client_data: bytes) -> None:
    key = Authenticator()
    made = create(key)
    credential = key.get({"challenge": TEXT})
    credential["response"]["clientDataJSON"] = base64.urlsafe_b64encode(client_data).decode().rstrip("=")
    parsed = webauthn.parse_assertion(credential)
    with pytest.raises(Refused):
        webauthn.challenge_of(parsed)
    with pytest.raises(Refused):
        webauthn.verify_assertion(
            RP, parsed, challenge=b"", public_key=made.public_key, user_handle=HANDLE, is_backup_eligible=False
        )
