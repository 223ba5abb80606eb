"""Turns: who waits, who is refused, and how what runs is given up. None of it ever leaves a turn taken."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rollbook.errors import Unavailable
from rollbook.store import Store
from rollbook.store.asking.turns import Asking, Turns, asking, most_waiting
from tests.processes import run

LONG = "select sum(sipHash64(number)) as n from numbers(1000000000000)"


def test_others_wait_for_a_turn() -> None:
    turns = Turns(1, 60)
    order: list[str] = []

    def come_second() -> None:
        with turns.taken():
            order.append("other")

    with ThreadPoolExecutor(1) as pool:
        with turns.taken():
            other = pool.submit(come_second)
            order.append("first")
        other.result(60)
    assert order == ["first", "other"]


def test_too_many_are_refused_at_once_and_too_long_a_wait_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollbook.store.asking.turns.FEWEST_WAITING", 0)
    turns = Turns(1, 0.2)
    refused: list[Unavailable] = []

    def asked() -> None:
        try:
            _taken(turns)
        except Unavailable as error:
            refused.append(error)

    with turns.taken():
        threads = [threading.Thread(target=asked) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    said = sorted(error.detail for error in refused)
    assert len(said) == 5
    assert all("PARALLEL_QUERY_LIMIT" in one for one in said)
    assert any("have ended" in one or "has ended in 0.2 s" in one for one in said)
    assert any("2 wait" in one for one in said)
    assert {error.retry_after_seconds for error in refused} == {5}
    # nothing is left taken
    assert _taken(turns)


def test_as_many_may_wait_as_there_are_threads_for(store: Store) -> None:
    assert [most_waiting(limit) for limit in (1, 10, 50)] == [20, 20, 100]


def test_a_question_that_nobody_waits_for_ends(store: Store) -> None:
    call = Asking()
    asking.set(call)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_asked, store, call)
        while not call.is_running():
            pass
        call.give_up()
        assert "given up" in running.result(60)
    assert not call.is_running()
    with pytest.raises(Unavailable, match="nobody waits"):
        store.engine.query("select 1")
    asking.set(None)
    assert store.engine.query("select 1 as one") == [{"one": 1}]


def _asked(store: Store, call: Asking) -> str:
    asking.set(call)
    try:
        store.engine.query(LONG)
    except Unavailable as error:
        return error.detail
    return "answered"


def test_who_waits_and_leaves_is_no_longer_waited_for() -> None:
    turns, call = Turns(1, 60), Asking()

    def wait() -> str:
        asking.set(call)
        try:
            _taken(turns)
        except Unavailable as error:
            return error.detail
        return "taken"

    with ThreadPoolExecutor(1) as pool, turns.taken():
        waiting = pool.submit(wait)
        call.give_up()
        assert "nobody waits" in waiting.result(60)


def _taken(turns: Turns) -> bool:
    with turns.taken():
        return True


MANY = f"""
    import sys
    from collections import Counter
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path
    from rollbook.errors import Unavailable
    from rollbook.settings import load
    from rollbook.store import Store

    def asked(store):
        try:
            store.engine.query("{LONG}")
        except Unavailable as error:
            return error.status
        return 200

    with Store(load(data=Path(sys.argv[1]), parallel_queries=2, max_query_ms=600)) as store:
        with ThreadPoolExecutor(40) as pool:
            statuses = Counter(pool.map(lambda _: asked(store), range(40)))
        print(sorted(statuses), sum(statuses.values()), statuses[504] >= 2, statuses[503] >= 18)
        print(store.engine.query("select count() as n from system.processes where query like '%numbers%'"
                                 " and query not like '%processes%'", unlimited=True))
        print(asked(store))
"""


def test_many_slow_questions_at_once_are_all_answered_and_none_runs_on(tmp_path: Path) -> None:
    assert run(MANY, tmp_path) == ["[503, 504] 40 True True", "[{'n': 0}]", "504"]
