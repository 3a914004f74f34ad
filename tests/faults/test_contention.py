"""Many who want one thing at one moment, at two gateways: one of them gets it."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.api import PASSWORD
from tests.faults.conftest import Start
from tests.faults.storm import JOIN, ME, REFRESH, told

CHANGE = "mutation ($o: String!, $n: String!) { changePassword(oldPassword: $o, newPassword: $n) { endedSessions } }"


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Their answers."""
    barrier, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def work(index: int) -> None:
        barrier.wait()
        answers[index] = acts[index]()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def codes(answers: list[Any]) -> Counter[str]:
    """How often what was answered."""
    told = [answer["errors"][0]["extensions"]["code"] if "errors" in answer else "OK" for answer in answers]
    return Counter(told)


def test_f17_of_many_at_two_gateways_one_wins(start: Start, database: str) -> None:
    origins = [start(database).origin for _ in range(2)] * 6

    def join(origin: str) -> Any:
        return told(origin, JOIN, n="alice", e="alice@example.com", p=PASSWORD)

    joined = at_once([lambda origin=origin: join(origin) for origin in origins])
    assert codes(joined) == {"OK": 1, "BAD_USER_INPUT": 11}
    (pair,) = [answer["data"]["register"] for answer in joined if "errors" not in answer]
    renewed = at_once([lambda origin=origin: told(origin, REFRESH, t=pair["refreshToken"]) for origin in origins])
    assert codes(renewed) == {"OK": 12}
    (successor,) = {answer["data"]["refreshToken"]["refreshToken"] for answer in renewed}
    token = renewed[0]["data"]["refreshToken"]["token"]
    changed = at_once(
        [
            lambda origin=origin, number=number: told(
                origin, CHANGE, token=token, o=PASSWORD, n=f"quite another staple {number}"
            )
            for number, origin in enumerate(origins[:8])
        ]
    )
    assert codes(changed)["OK"] == 1
    assert codes(changed).keys() <= {"OK", "CONFLICT", "INVALID_CREDENTIALS"}
    assert all(told(origin, ME, token=token)["data"]["me"] == {"username": "alice"} for origin in origins[:2])
    assert told(origins[1], REFRESH, t=successor)["data"]["refreshToken"]
