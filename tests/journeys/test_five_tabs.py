"""Five tabs of one browser, one session: none of them signs another out."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.api import Answer, Api, backdate
from users.models import Event, Session


@pytest.mark.django_db(transaction=True)
def test_five_concurrent_tabs_stay_signed_in(
    run_concurrently: Callable[..., list[Answer]],
) -> None:
    alice = Api().new_member("alice")
    kept = alice.refresh_token
    for generation in range(1, 4):
        answers = run_concurrently([lambda token=kept: Api().refresh(token)] * 5)
        pairs = [answer.data["refreshToken"] for answer in answers]
        assert len({(pair["token"], pair["refreshToken"]) for pair in pairs}) == 1
        for pair in pairs:
            assert "errors" not in Api().me(pair["token"]).json
        kept = pairs[0]["refreshToken"]
        assert Session.objects.get().generation == generation
        backdate(Session.objects, timedelta(minutes=5), "rotated_at")
    assert [event.kind for event in Event.objects.all()] == ["account.registered"]


@pytest.mark.django_db
def test_tab_repeats_a_lost_refresh_and_one_sign_out_ends_all_tabs(api: Api) -> None:
    alice = api.new_member("alice")
    api.refresh(alice.refresh_token)  # the answer is lost on its way
    pair = api.refresh(alice.refresh_token).data["refreshToken"]
    assert "errors" not in api.me(pair["token"]).json
    api.revoke(pair["refreshToken"])
    assert api.me(alice.token).code == api.me(pair["token"]).code == "UNAUTHENTICATED"
    assert api.refresh(alice.refresh_token).code == "TOKEN_INVALID"
