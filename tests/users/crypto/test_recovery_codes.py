"""Recovery codes: their form, and their hash."""

from uuid import UUID

from users.crypto import recovery_codes


def test_codes_are_random_and_have_no_look_alikes() -> None:
    codes = {recovery_codes.new_code() for _ in range(100)}
    assert len(codes) == 100
    for code in codes:
        assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
        assert recovery_codes.SHAPE.fullmatch(code.replace("-", ""))
        assert not set(code) & set("01OILSZ25UAE")


def test_the_hash_depends_on_the_user_and_not_on_the_dashes() -> None:
    one, two = UUID(int=1), UUID(int=2)
    assert recovery_codes.digest(one, "BCDF-GHJK-MNPQ-RTVW") == recovery_codes.digest(one, "BCDFGHJKMNPQRTVW")
    assert recovery_codes.digest(one, "BCDFGHJKMNPQRTVW") != recovery_codes.digest(two, "BCDFGHJKMNPQRTVW")
