"""Rate limits."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from tests.api import NEW_PASSWORD, PASSWORD, Api
from tests.mail_flows import ADDRESS, request_mail, reset_password, verified_member
from tests.mailbox import last_mail_to, mails_to
from users import throttle
from users.caller import Caller, RefreshCookie, device_user
from users.errors import RateLimited
from users.models import Attempts, Event, Session, User
from users.passwords import hashing

HERE = "192.0.2.1"


def limit(settings: Any, **limits: tuple[int, int]) -> None:
    """Put other limits in force: tries and seconds."""
    changed = {name: [(tries, timedelta(seconds=seconds))] for name, (tries, seconds) in limits.items()}
    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | changed


@pytest.fixture
def from_address(api: Api, settings: Any) -> Any:
    """Signs in from an address, as a trusted proxy tells it."""
    settings.GATEWAY_TRUSTED_PROXIES = 1

    def sign_in(address: str, username: str = "alice", password: str = "wrong") -> Any:
        return api.sign_in(username, password, **{"X-Forwarded-For": address})

    return sign_in


def test_s20_wrong_passwords_get_a_retry_after(api: Api) -> None:
    api.new_member()
    codes = [api.sign_in("alice", "wrong").code for _ in range(15)]
    assert codes[:10] == ["INVALID_CREDENTIALS"] * 10
    assert set(codes[10:]) == {"RATE_LIMITED"}
    refused = api.sign_in("alice", PASSWORD)
    assert 290 < refused.extensions["retryAfter"] <= 300
    assert refused.response["Retry-After"] == str(refused.extensions["retryAfter"])


def test_s20_the_wait_grows_with_every_window_that_is_used_up(settings: Any, db: None) -> None:
    caller = Caller(ip_address=HERE)

    def spend() -> int:
        try:
            while True:
                throttle.consume_sign_in(caller, name="alice", user=None)
        except RateLimited as refusal:
            return refusal.extensions["retryAfter"]

    settings.GATEWAY_LIMITS = settings.GATEWAY_LIMITS | {
        "sign_in_elsewhere": [(1_000, timedelta(days=1))],
        "sign_in_address": [(1_000, timedelta(days=1))],
    }
    minutes, hour, _ = throttle.buckets("sign_in_here", "alice", HERE)
    waits = [spend()]
    for over in ([minutes], [minutes, hour], [minutes]):
        Attempts.objects.filter(key__in=[lane.key for lane in over]).update(until=int(time.time() * 1000))
        waits.append(spend())
    assert [wait // 60 for wait in waits] == [5, 60, 5, 360]


def test_s24_one_address_cannot_spray_many_accounts(from_address: Any) -> None:
    codes = [from_address(HERE, f"user{number}").code for number in range(60)]
    assert codes == ["INVALID_CREDENTIALS"] * 20 + ["RATE_LIMITED"] * 40


@pytest.mark.parametrize("exists", [True, False], ids=["an account", "no account"])
def test_s25_many_addresses_and_spellings_share_the_account_s_lane(api: Api, from_address: Any, exists: bool) -> None:
    if exists:
        api.new_member()
    Session.objects.all().delete()
    spellings = ["alice", "ALICE", "Alice", "aLICE", "\uff41lice", "alicE"]
    codes = [from_address(f"198.51.100.{number}", spellings[number % 6]).code for number in range(30)]
    assert codes == ["INVALID_CREDENTIALS"] * 12 + ["RATE_LIMITED"] * 18


def test_s26_a_header_of_the_client_s_own_is_not_its_address(api: Api, settings: Any) -> None:
    settings.GATEWAY_TRUSTED_PROXIES = 0
    for number in range(21):
        forged = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
        answer = api.sign_in(f"user{number}", "wrong", **forged, X_Real_IP=f"203.0.113.{number}")
    assert answer.code == "RATE_LIMITED"


def test_ipv6_addresses_of_one_household_are_one_place(from_address: Any) -> None:
    codes = [from_address(f"2001:db8:1:2::{number:x}", f"user{number}").code for number in range(21)]
    assert codes[-1] == "RATE_LIMITED"
    assert from_address("2001:db8:1:3::1", "user99").code == "INVALID_CREDENTIALS"


@pytest.mark.django_db(transaction=True)
def test_s27_of_fifty_guesses_at_once_five_are_tested(settings: Any, monkeypatch: Any, run_concurrently: Any) -> None:
    limit(settings, sign_in_here=(5, 300))
    api, tested, lock = Api(), [], threading.Lock()
    api.new_member()

    def check(caller: Caller, password: str, *_: Any, **__: Any) -> bool:
        with lock:
            tested.append(password)
        return False

    monkeypatch.setattr(hashing, "check_password", check)
    codes = run_concurrently(
        [lambda number=number: Api().sign_in("alice", f"guess{number}").code for number in range(50)]
    )
    assert len(tested) == 5
    assert sorted(codes) == ["INVALID_CREDENTIALS"] * 5 + ["RATE_LIMITED"] * 45


def test_s28_throttling_ends_no_session(api: Api, from_address: Any) -> None:
    alice = api.new_member()
    for number in range(30):
        from_address(f"198.51.100.{number}")
    assert alice("{ me { username } }").data["me"]
    assert api.refresh(alice.refresh_token).data["refreshToken"]["token"]


def test_s29_strangers_guesses_do_not_shut_the_owner_out_of_where_they_have_been(api: Api, from_address: Any) -> None:
    api.new_member()
    assert from_address(HERE, password=PASSWORD).data["tokenAuth"]
    for number in range(30):
        from_address(f"198.51.100.{number}")
    assert from_address("203.0.113.9", password=PASSWORD).code == "RATE_LIMITED"
    assert from_address(HERE, password=PASSWORD).data["tokenAuth"]


def test_owner_at_a_known_place_gets_no_wrong_wait(api: Api, from_address: Any) -> None:
    api.new_member()
    assert from_address(HERE, password=PASSWORD).data["tokenAuth"]
    for number in range(12):
        from_address(f"198.51.100.{number}")
    assert from_address(HERE, password=PASSWORD).data["tokenAuth"]
    assert not Event.objects.filter(kind="attempts.throttled").exists()


def test_a_known_place_is_throttled_as_well(api: Api, from_address: Any) -> None:
    api.new_member()
    assert from_address(HERE, password=PASSWORD).data["tokenAuth"]
    codes = [from_address(HERE).code for _ in range(12)]
    assert codes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 2


def test_success_forgives_the_place_and_leaves_no_count_elsewhere(api: Api) -> None:
    api.new_member()
    for _ in range(5):
        for _ in range(3):
            api.sign_in("alice", "wrong")
        assert api.sign_in("alice").data["tokenAuth"]
        elsewhere = throttle.buckets("sign_in_elsewhere", "alice")[0]
        Attempts.objects.filter(key=elsewhere.key).update(tried=3)
    here = throttle.buckets("sign_in_here", "alice", "127.0.0.1")
    assert set(Attempts.objects.filter(key__in=[lane.key for lane in here]).values_list("tried", flat=True)) == {0}
    (address,) = throttle.buckets("sign_in_address", "127.0.0.1")
    assert Attempts.objects.get(key=address.key).tried == 15


def test_a_refused_try_counts_nowhere_and_extends_no_wait(api: Api) -> None:
    for _ in range(10):
        api.sign_in("alice", "wrong")
    before = sorted(Attempts.objects.values_list("key", "tried", "until"))
    for _ in range(20):
        assert api.sign_in("alice", "wrong").code == "RATE_LIMITED"
    assert sorted(Attempts.objects.values_list("key", "tried", "until")) == before


def test_a_window_that_is_over_counts_afresh(api: Api) -> None:
    for _ in range(11):
        api.sign_in("alice", "wrong")
    Attempts.objects.update(until=int(time.time() * 1000))
    assert api.sign_in("alice", "wrong").code == "INVALID_CREDENTIALS"


def test_with_the_clock_set_back_no_wait_is_longer_than_its_window(api: Api) -> None:
    for _ in range(11):
        api.sign_in("alice", "wrong")
    Attempts.objects.update(until=int(time.time() * 1000) + 3 * 86_400_000)
    assert api.sign_in("alice", "wrong").code == "INVALID_CREDENTIALS"


def test_full_bucket_is_logged_once_per_window(api: Api) -> None:
    api.new_member()
    for _ in range(20):
        api.sign_in("alice", "wrong")
    (event,) = Event.objects.filter(kind="attempts.throttled")
    assert event.user.username == "alice"
    assert event.facts == {"limits": ["sign_in_here"]}


def test_a_place_registers_so_often(api: Api, settings: Any) -> None:
    limit(settings, register=(2, 60))
    assert [api.register("").code for _ in range(3)] == ["BAD_USER_INPUT", "BAD_USER_INPUT", "RATE_LIMITED"]


def test_invalid_refresh_tokens_are_counted_and_valid_ones_are_not(api: Api, settings: Any, statements: Any) -> None:
    limit(settings, invalid_refresh=(2, 60))
    alice = api.new_member()
    assert [api.refresh("rubbish").code for _ in range(3)] == ["TOKEN_INVALID", "TOKEN_INVALID", "RATE_LIMITED"]
    with statements() as seen:
        assert api.refresh(alice.refresh_token).data["refreshToken"]["token"]
    assert len(seen) == 2


def test_s59_guessing_the_old_password_is_throttled(api: Api) -> None:
    alice = api.new_member()
    codes = [api.change_password(alice.token, "wrong", NEW_PASSWORD).code for _ in range(30)]
    assert codes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 20


def test_s96_successful_sign_ins_to_one_account_are_limited(api: Api, from_address: Any, settings: Any) -> None:
    limit(settings, sign_in_total_account=(3, 60))
    api.new_member("alice")
    api.new_member("bob")
    answers = [from_address(f"198.51.100.{number}", "alice", PASSWORD) for number in range(5)]
    assert ["errors" in answer.json for answer in answers] == [False] * 3 + [True] * 2
    assert {answer.code for answer in answers[3:]} == {"RATE_LIMITED"}
    assert from_address("198.51.100.1", "bob", PASSWORD).data["tokenAuth"]
    assert Event.objects.filter(kind="attempts.throttled").get().facts == {"limits": ["sign_in_total_account"]}


def test_s96_successful_sign_ins_from_one_client_are_limited(api: Api, from_address: Any, settings: Any) -> None:
    limit(settings, sign_in_total_client=(3, 60))
    for number in range(4):
        api.new_member(f"user{number}")
    answers = [from_address(HERE, f"user{number}", PASSWORD) for number in range(4)]
    assert ["errors" in answer.json for answer in answers] == [False] * 3 + [True]
    assert answers[3].code == "RATE_LIMITED"
    assert from_address("198.51.100.1", "user3", PASSWORD).data["tokenAuth"]


def test_s29_strangers_guesses_leave_the_owner_sign_ins_at_a_known_place(api: Api, from_address: Any) -> None:
    api.new_member()
    assert from_address(HERE, password=PASSWORD).data["tokenAuth"]
    for number in range(90):
        from_address(f"198.51.100.{number}")
    assert from_address(HERE, password=PASSWORD).data["tokenAuth"]


def test_stale_counts_slow_no_sign_in_down_and_are_pruned(api: Api, statements: Any, capsys: Any) -> None:
    old = int(time.time() * 1000) - 86_400_000
    rows = (Attempts(key=f"stale:{number}", tried=1, most=9, window=9, until=old) for number in range(12_000))
    Attempts.objects.bulk_create(rows, batch_size=10_000)
    api.sign_in("alice", "wrong")
    with statements() as seen:
        api.sign_in("alice", "wrong")
    (counting,) = (text for text in seen if text.startswith("UPDATE"))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE users_attempts")
            cursor.execute(f"EXPLAIN {counting}")
            assert "Seq Scan" not in str(cursor.fetchall())
    call_command("prune")
    assert "12000 attempts deleted" in capsys.readouterr().out
    assert Attempts.objects.count() == 8


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("before", ["nothing", "a window that is over"])
def test_a_storm_gets_no_more_through_than_the_limit(settings: Any, run_concurrently: Any, before: str) -> None:
    limit(settings, register=(3, 60))
    buckets = throttle.buckets("register", HERE)

    def passes() -> bool:
        try:
            throttle.consume(Caller(ip_address=HERE), buckets)
        except RateLimited:
            return False
        return True

    if before != "nothing":
        passes()
        Attempts.objects.update(until=int(time.time() * 1000))
    assert sum(run_concurrently([passes] * 16)) == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("before", ["nothing", "a window that is over"])
def test_a_storm_counts_in_all_buckets_or_in_none(settings: Any, run_concurrently: Any, before: str) -> None:
    limit(settings, register=(3, 60), mail_client=(100, 60), mail_address=(100, 60))
    narrow, wide = throttle.buckets("register", HERE), throttle.buckets("mail_client", HERE)
    others = throttle.buckets("mail_address", ADDRESS)
    if before != "nothing":
        assert throttle.try_consume([*narrow, *wide, *others])
        Attempts.objects.update(until=int(time.time() * 1000))
    # In either order, so that two of them could wait for each other.
    mixed = [[*narrow, *wide, *others], [*others, *wide, *narrow]] * 8
    assert sum(run_concurrently([lambda buckets=buckets: throttle.try_consume(buckets) for buckets in mixed])) == 3
    assert [*Attempts.objects.values_list("tried", flat=True)] == [3, 3, 3]


def test_counting_in_many_buckets_is_one_statement(db: None, statements: Any) -> None:
    buckets = [*throttle.buckets("sign_in_here", "alice"), *throttle.buckets("sign_in_elsewhere", "alice")]
    assert throttle.try_consume(buckets)
    with statements() as seen:
        assert throttle.try_consume(buckets)
    assert [text.partition(" ")[0] for text in seen] == ["UPDATE"]


def test_new_buckets_take_two_statements_and_refuse_like_others(db: None, settings: Any, statements: Any) -> None:
    limit(settings, mail_address=(2, 60), mail_client=(9, 60))
    buckets = [*throttle.buckets("mail_address", ADDRESS), *throttle.buckets("mail_client", HERE)]
    with statements() as seen:
        assert throttle.try_consume(buckets, are_new=True)
    assert [text.partition(" ")[0] for text in seen] == ["INSERT", "UPDATE"]
    assert [throttle.try_consume(buckets, are_new=True) for _ in range(2)] == [True, False]
    assert [*Attempts.objects.values_list("tried", flat=True)] == [2, 2]


# --- places that are new -------------------------------------------------------------------------


def told() -> int:
    """Return the number of mails about a new device."""
    return len([mail for mail in mails_to(ADDRESS) if mail.subject == "A new device signed in"])


def test_sign_in_from_a_new_place_sends_a_mail(api: Api, from_address: Any) -> None:
    verified_member()
    assert from_address("127.0.0.1", password=PASSWORD).data
    assert told() == 0
    for _ in range(3):
        assert from_address(HERE, password=PASSWORD).data
        assert told() == 1
    assert from_address("198.51.100.1", password="wrong").code == "INVALID_CREDENTIALS"
    assert told() == 1
    assert from_address("127.0.0.1", password=PASSWORD).data
    assert told() == 1


def test_the_first_sign_in_of_all_is_no_news(api: Api, from_address: Any) -> None:
    User.objects.create_user("alice", ADDRESS, PASSWORD, is_email_verified=True)
    assert from_address(HERE, password=PASSWORD).data
    assert told() == 0


def test_a_new_place_is_news_also_where_all_sessions_are_forgotten(api: Api, from_address: Any) -> None:
    User.objects.create_user("alice", ADDRESS, PASSWORD, is_email_verified=True)
    assert from_address(HERE, password=PASSWORD).data
    Session.objects.all().delete()
    assert from_address("198.51.100.1", password=PASSWORD).data
    assert told() == 1


def test_a_household_is_one_place_and_a_device_is_known_wherever_it_goes(api: Api, from_address: Any) -> None:
    user = User.objects.create_user("alice", ADDRESS, PASSWORD, is_email_verified=True)
    assert from_address("2001:db8:1:2::1", password=PASSWORD).data
    assert from_address("2001:db8:1:2::ffff", password=PASSWORD).data
    assert told() == 0
    at_home, abroad = (
        RefreshCookie(device="d", device_users=(device_user(user),)),
        RefreshCookie(device="d", device_users=("another",)),
    )
    assert not throttle.is_new_place(Caller(ip_address=HERE, refresh_cookie=at_home), user)
    assert throttle.is_new_place(Caller(ip_address=HERE, refresh_cookie=abroad), user)


def test_s106_after_a_reset_no_earlier_place_is_known(api: Api, from_address: Any) -> None:
    verified_member()
    assert from_address(HERE, password=PASSWORD).data
    assert told() == 1
    request_mail("reset")
    assert "errors" not in reset_password(last_mail_to(ADDRESS).token).json
    user = User.objects.get()
    assert not throttle.is_known_place(Caller(ip_address=HERE), user)
    for number in range(12):
        from_address(f"198.51.100.{number}")
    assert from_address(HERE, password=NEW_PASSWORD).code == "RATE_LIMITED", "a place of before has a stranger's limits"
    Attempts.objects.all().delete()
    assert from_address(HERE, password=NEW_PASSWORD).data
    assert told() == 2
    assert from_address(HERE, password=NEW_PASSWORD).data
    assert told() == 2


def test_s106_a_changed_password_leaves_the_place_of_the_change_known_alone(api: Api, from_address: Any) -> None:
    alice = verified_member()
    assert from_address(HERE, password=PASSWORD).data
    assert "errors" not in api.change_password(alice.token).json
    user = User.objects.get()
    assert [throttle.is_known_place(Caller(ip_address=each), user) for each in ("127.0.0.1", HERE)] == [True, False]


def test_room_is_counted_where_there_is_some_and_nowhere_else(db: None, settings: Any) -> None:
    limit(settings, mail_address=(2, 60))
    buckets = throttle.buckets("mail_address", ADDRESS, "unasked")
    assert [throttle.try_consume(buckets) for _ in range(4)] == [True, True, False, False]
    assert throttle.try_consume(throttle.buckets("mail_address", ADDRESS)), "requested mails have buckets of their own"
    assert not Event.objects.exists()
