"""A changed password: the device in hand stays, everyone else must know the new one."""

from tests.api import NEW_PASSWORD, PASSWORD, Api
from users.models import Event


def test_password_change_signs_out_the_lost_phone(api: Api) -> None:
    laptop = api.new_member("alice", deviceName="laptop")
    phone = api.sign_in_member("alice")
    bob = api.new_member("bob")

    assert api.change_password(laptop.token, "not the password").code == "INVALID_CREDENTIALS"
    assert api.change_password(laptop.token, PASSWORD, "alicealice").code == "BAD_USER_INPUT"
    assert "errors" not in phone("{ me { id } }").json, "what was refused changed nothing"

    changed = api.change_password(laptop.token, PASSWORD, NEW_PASSWORD).data["changePassword"]
    assert changed["endedSessions"] == 1
    assert phone("{ me { id } }").code == "UNAUTHENTICATED"
    assert api.refresh(phone.refresh_token).code == "TOKEN_INVALID"
    assert api.sign_in("alice", PASSWORD).code == "INVALID_CREDENTIALS"

    pair = api.refresh(laptop.refresh_token).data["refreshToken"]
    assert [each["deviceName"] for each in sessions(api, pair["token"])] == ["laptop"]
    phone = api.sign_in_member("alice", NEW_PASSWORD)
    assert [each["isCurrent"] for each in sessions(api, phone.token)] == [True, False]
    assert "errors" not in bob("{ me { id } }").json

    # And once more, from the session that the first change had left alive.
    assert api.change_password(pair["token"], NEW_PASSWORD, PASSWORD).data["changePassword"]["endedSessions"] == 1
    assert phone("{ me { id } }").code == "UNAUTHENTICATED"
    kinds = list(Event.objects.filter(user__username="alice").order_by("at").values_list("kind", flat=True))
    assert kinds.count("password.changed") == 2
    assert kinds.count("password.refused") == 1


def sessions(api: Api, token: str) -> list[dict[str, object]]:
    return api("{ me { sessions { deviceName isCurrent } } }", token=token).data["me"]["sessions"]
