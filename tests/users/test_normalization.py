"""Names have one clean form each; what could be taken for another is refused."""

from collections.abc import Callable

import pytest

from users import normalization
from users.errors import FieldErrorCode, InvalidValue


@pytest.mark.parametrize(
    ("cleaner", "typed", "clean"),
    [
        (normalization.username, "alice", "alice"),
        (normalization.username, "Alice.B_c-9", "Alice.B_c-9"),
        (normalization.username, "\uff21lice", "Alice"),
        (normalization.username, "\u212aelvin", "Kelvin"),
        (normalization.username, "a" * 150, "a" * 150),
        (normalization.email, "alice@example.com", "alice@example.com"),
        (normalization.email, "Alice+spam@Example.COM", "Alice+spam@Example.COM"),
        (normalization.email, "alice\uff20example.com", "alice@example.com"),
        (normalization.email, "o'hara@xn--bcher-kva.example", "o'hara@xn--bcher-kva.example"),
        (normalization.full_name, "  Jose\u0301 ", "Jos\u00e9"),
        (normalization.full_name, "", ""),
        (normalization.full_name, "\u0646\u0627\u0645\u200c\u0647\u0627", "\u0646\u0627\u0645\u200c\u0647\u0627"),
        (normalization.device_name, " \U0001f469\u200d\U0001f4bb laptop", "\U0001f469\u200d\U0001f4bb laptop"),
        (normalization.bio, "one\r\n\ttwo", "one\r\n\ttwo"),
        (normalization.bio, "e\u0301" * 2_000, "\u00e9" * 2_000),
        (normalization.image_url, "", ""),
        (normalization.image_url, "https://example.com/a.png?b=c#d", "https://example.com/a.png?b=c#d"),
        (normalization.image_url, "http://[::1]/a.png", "http://[::1]/a.png"),
    ],
)
def test_what_people_type_has_one_clean_form(cleaner: Callable[[str], str], typed: str, clean: str) -> None:
    assert cleaner(typed) == clean
    assert cleaner(clean) == clean


@pytest.mark.parametrize(
    ("cleaner", "typed", "code"),
    [
        (normalization.username, "", "REQUIRED"),
        (normalization.username, "a" * 151, "TOO_LONG"),
        (normalization.username, "\ufdfa" * 10, "TOO_LONG"),
        (normalization.username, "al ice", "INVALID"),
        (normalization.username, "alice\n", "INVALID"),
        (normalization.username, "\u0430lice", "INVALID"),
        (normalization.username, "alice@example.com", "INVALID"),
        (normalization.email, "", "REQUIRED"),
        (normalization.email, f"{'a' * 60}@{'b' * 63}.{'c' * 63}.{'d' * 63}.com", "TOO_LONG"),
        (normalization.email, "alice", "INVALID"),
        (normalization.email, "al\u0131ce@example.com", "INVALID"),
        (normalization.email, "alice@ex\u0430mple.com", "INVALID"),
        (normalization.email, '"alice b"@example.com', "INVALID"),
        (normalization.email, "alice@localhost", "INVALID"),
        (normalization.email, "alice@[127.0.0.1]", "INVALID"),
        (normalization.full_name, "a" * 151, "TOO_LONG"),
        (normalization.full_name, "a\nb", "INVALID"),
        (normalization.full_name, "a\x00b", "INVALID"),
        (normalization.full_name, "a\u2028b", "INVALID"),
        (normalization.full_name, "a\u202eb", "INVALID"),
        (normalization.full_name, "a\u2067b", "INVALID"),
        (normalization.full_name, "a\ud800b", "INVALID"),
        (normalization.full_name, "a\ue000b", "INVALID"),
        (normalization.device_name, "a" * 101, "TOO_LONG"),
        (normalization.device_name, "a\tb", "INVALID"),
        (normalization.bio, "a" * 2_001, "TOO_LONG"),
        (normalization.bio, "a\x1bb", "INVALID"),
        (normalization.image_url, "https://example.com/" + "a" * 481, "TOO_LONG"),
        (normalization.image_url, "javascript:alert(1)", "INVALID"),
        (normalization.image_url, "data:image/png;base64,AAAA", "INVALID"),
        (normalization.image_url, "//example.com/a.png", "INVALID"),
        (normalization.image_url, "https:///a.png", "INVALID"),
        (normalization.image_url, "https://example.com/a b.png", "INVALID"),
        (normalization.image_url, 'https://example.com/"onload=', "INVALID"),
        (normalization.image_url, "https://example.com/\x00", "INVALID"),
        (normalization.image_url, "https://example.com/\u202e", "INVALID"),
        (normalization.image_url, "https://[::1", "INVALID"),
    ],
)
def test_invalid_value_is_refused_with_its_code(cleaner: Callable[[str], str], typed: str, code: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        cleaner(typed)
    assert refused.value.code == FieldErrorCode[code]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Mozilla/5.0", "Mozilla/5.0"),
        ("a\r\nb\x1b[31m\u2028c\u202ed", "ab[31mcd"),
        ("a" * 20, "a" * 10),
        ("\x00" * 10 + "a" * 20, "a" * 10),
        ("\x00" * 1_000_000, ""),
        ("caf\u00e9", "caf\u00e9"),
    ],
)
def test_what_a_stranger_sent_is_made_fit_to_keep(sent: str, kept: str) -> None:
    assert normalization.printable(sent, 10) == kept[:10]


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("Alice@Example.com", "alice@example.com"),
        ("alice+1@example.com", "alice@example.com"),
        ("alice+a+b@example.com", "alice@example.com"),
        ("+@example.com", "@example.com"),
        ("a@b+c.example", "a@b+c.example"),
    ],
)
def test_addresses_of_one_mailbox_are_counted_together(address: str, mailbox: str) -> None:
    assert normalization.mailbox(address) == mailbox
