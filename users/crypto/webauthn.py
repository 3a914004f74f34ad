"""WebAuthn: options for browsers, and the verification of their responses by py_webauthn.

py_webauthn checks the type, the challenge, the origin, the RP id, user presence and the signature. The checks that it
leaves to its caller are here: user verification is always required, ceremonies in frames of other origins are refused,
and an assertion must name its user. The counter is for the caller to compare, because the database decides races.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

# Bytes of the credential as JSON. The largest real ones have about 2,000.
MAX_SIZE = 8_192
MAX_DEPTH = 6
# WebAuthn Level 3, section 4, "Credential ID".
MAX_CREDENTIAL_ID_LENGTH = 1_023
ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]


class Malformed(Exception):
    """The value is not the JSON form of a credential."""


class Refused(Exception):
    """The response does not pass verification. The message is for logs."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The service that passkeys belong to: its domain, its name, and the origins of the pages that may use them."""

    id: str
    name: str
    origins: list[str]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """The credential id of a passkey, in base64url, and how browsers reach its authenticator."""

    credential_id: str
    transports: list[str]


@dataclass(frozen=True, slots=True)
class Registration:
    """A new credential. Its id and its public key are in base64url."""

    credential_id: str
    public_key: str
    sign_count: int
    aaguid: str
    is_backup_eligible: bool
    is_backed_up: bool
    transports: list[str]


@dataclass(frozen=True, slots=True)
class Assertion:
    """The verified response of a credential."""

    sign_count: int
    is_backup_eligible: bool
    is_backed_up: bool


def creation_options(
    rp: RelyingParty,
    *,
    challenge: bytes,
    timeout: int,
    user_handle: bytes,
    username: str,
    display_name: str,
    exclude: list[Descriptor],
) -> dict[str, Any]:
    """Return PublicKeyCredentialCreationOptionsJSON. `timeout` is in milliseconds."""
    options = generate_registration_options(
        rp_id=rp.id,
        rp_name=rp.name,
        challenge=challenge,
        timeout=timeout,
        user_id=user_handle,
        user_name=username,
        user_display_name=display_name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(
                id=to_bytes(each.credential_id),
                transports=[AuthenticatorTransport(transport) for transport in each.transports],
            )
            for each in exclude
        ],
        supported_pub_key_algs=ALGORITHMS,
    )
    return options_to_json_dict(options)


def request_options(rp: RelyingParty, *, challenge: bytes, timeout: int) -> dict[str, Any]:
    """Return PublicKeyCredentialRequestOptionsJSON. It lists no credentials, so it reveals nothing about accounts."""
    options = generate_authentication_options(
        rp_id=rp.id, challenge=challenge, timeout=timeout, user_verification=UserVerificationRequirement.REQUIRED
    )
    return options_to_json_dict(options)


def to_bytes(base64url: str) -> bytes:
    """Return the bytes of a text in base64url."""
    return base64url_to_bytes(base64url)


def parse_registration(value: Any) -> RegistrationCredential:
    """Return the parsed RegistrationResponseJSON, or raise Malformed."""
    _check_json(value)
    try:
        return parse_registration_credential_json(value)
    except Exception as error:
        # The library and the decoders below it raise many types.
        raise Malformed from error


def parse_assertion(value: Any) -> AuthenticationCredential:
    """Return the parsed AuthenticationResponseJSON, or raise Malformed."""
    _check_json(value)
    try:
        return parse_authentication_credential_json(value)
    except Exception as error:
        raise Malformed from error


def challenge_of(credential: RegistrationCredential | AuthenticationCredential) -> bytes:
    """Return the challenge that the browser responded to. Raise Refused if a page of another origin framed it."""
    try:
        client_data = parse_client_data_json(credential.response.client_data_json)
    except Exception as error:
        raise Refused("clientDataJSON is malformed") from error
    if client_data.cross_origin:
        raise Refused("a page of another origin framed the ceremony")
    return client_data.challenge


def verify_registration(rp: RelyingParty, credential: RegistrationCredential, *, challenge: bytes) -> Registration:
    """Return the new credential, or raise Refused."""
    try:
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp.id,
            expected_origin=rp.origins,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    except Exception as error:
        raise Refused(str(error)) from error
    # The authenticator signs this id; the one beside it comes from the page.
    if verified.credential_id != credential.raw_id or len(verified.credential_id) > MAX_CREDENTIAL_ID_LENGTH:
        raise Refused("the credential id differs from the signed one, or is too long")
    return Registration(
        credential_id=bytes_to_base64url(verified.credential_id),
        public_key=bytes_to_base64url(verified.credential_public_key),
        sign_count=verified.sign_count,
        aaguid=verified.aaguid,
        is_backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        is_backed_up=verified.credential_backed_up,
        transports=sorted({each.value for each in credential.response.transports or ()}),
    )


def verify_assertion(
    rp: RelyingParty,
    credential: AuthenticationCredential,
    *,
    challenge: bytes,
    public_key: str,
    user_handle: bytes,
    is_backup_eligible: bool,
) -> Assertion:
    """Return the counter and the backup flags of an assertion by this key and for this user, or raise Refused."""
    try:
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp.id,
            expected_origin=rp.origins,
            credential_public_key=to_bytes(public_key),
            # Every counter passes here: the caller compares it when it stores the new one.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:
        raise Refused(str(error)) from error
    if credential.response.user_handle != user_handle:
        raise Refused("the user handle is missing or belongs to another user")
    is_eligible = verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    # It never changes (WebAuthn Level 3, section 6.1.3), so this is another authenticator.
    if is_eligible != is_backup_eligible:
        raise Refused("the backup-eligible flag has changed")
    return Assertion(verified.new_sign_count, is_eligible, verified.credential_backed_up)


def _check_json(value: Any) -> None:
    # The depth first: the encoder refuses nested values with an error of its own.
    if not isinstance(value, dict) or not _is_shallow(value, MAX_DEPTH):
        raise Malformed
    try:
        size = len(orjson.dumps(value))
    except TypeError as error:
        # Lone surrogates, and numbers that JSON cannot hold.
        raise Malformed from error
    if size > MAX_SIZE:
        raise Malformed


def _is_shallow(value: Any, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    children = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_is_shallow(each, depth - 1) for each in children)
