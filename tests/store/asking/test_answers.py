"""Kept answers: found again while nothing has changed, gone from memory when something has, bounded in bytes."""

import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollbook.analyses.ask import Answered, ask
from rollbook.analyses.catalogue import QUESTIONS
from rollbook.analyses.events_by_day import EventsByDay
from rollbook.analyses.learner.dropout_risk import DropoutRisk
from rollbook.analyses.question import Question
from rollbook.analyses.retention import Retention
from rollbook.analyses.totals import Totals
from rollbook.governance.grants import Grant
from rollbook.store import Store
from rollbook.store.asking.answers import Answers
from rollbook.store.asking.changes import Changes
from rollbook.store.store import _kept_bytes
from tests.analyses.test_registered import asked
from tests.stories import happened, tell

CLOSED = datetime(2026, 3, 8, tzinfo=UTC)
COUNT = "select count() as n from events where tenant = {tenant:String}"


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def answers(store: Store, clock: Clock) -> Any:
    """Kept answers of their own over the shared store."""
    made = Answers(store.engine, store.changes, 1 << 20, clock=clock)
    yield made
    store.changes.ignore(made._hear)


def events(store: Store, seen: Grant | str) -> tuple[int, str]:
    """How many events a question about a closed period finds, and whether the answer was kept."""
    answered = ask(store, Totals(as_of=CLOSED), seen)
    assert answered.found is not None
    return answered.only().events, "kept" if answered.found.kept else "read"


def test_an_answer_is_found_again_until_an_event_comes(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("seen")])
    assert [events(store, tenant), events(store, tenant)] == [(1, "read"), (1, "kept")]
    tell(store, tenant, [happened("seen", at="2026-02-01T10:00")])
    assert [events(store, tenant), events(store, tenant)] == [(2, "read"), (2, "kept")]


def test_rolling_and_another_zone_are_changes(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("seen")])
    events(store, tenant)
    store.rollups.roll(quiet_seconds=0, of=tenant)
    assert events(store, tenant) == (1, "read")
    store.set_timezone(tenant, "Pacific/Auckland")
    assert events(store, tenant) == (1, "read")
    assert events(store, tenant) == (1, "kept")


def test_another_tenants_events_change_nothing(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("seen")])
    events(store, tenant)
    tell(store, f"{tenant}-other", [happened("seen")])
    assert events(store, tenant) == (1, "kept")
    assert events(store, f"{tenant}-other") == (1, "read")


def test_nobody_gets_what_was_found_for_somebody_who_may_see_more(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("seen", "ada", course="art"), happened("seen", "bo", course="maths")])
    assert events(store, tenant)[0] == 2
    narrow = (Grant(tenant, courses=("art",)), Grant(tenant, users=("ada",)), Grant(tenant, users=()))
    assert [events(store, seen) for seen in narrow] == [(1, "read"), (1, "read"), (0, "read")]
    # and whoever may see as much gets the same
    assert events(store, Grant(tenant, courses=("art",))) == (1, "kept")


def test_a_period_that_is_not_over_is_never_kept(store: Store, tenant: str) -> None:
    for as_of in (None, datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1)):
        assert ask(store, Totals(as_of=as_of), tenant).found is None


def test_groups_are_asked_about_in_whole_days_so_these_are_kept(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("seen", f"user-{n}") for n in range(20)])
    cells = Grant(tenant, cells=True)
    first, second = (ask(store, EventsByDay(days=1000), cells) for _ in range(2))
    assert first.rows == second.rows
    assert [one.found is not None and one.found.kept for one in (first, second)] == [False, True]


@pytest.mark.parametrize("kind", QUESTIONS, ids=lambda kind: kind.name())
def test_a_kept_answer_is_the_same_answer(kind: type[Question[Any]], store: Store, tenant: str) -> None:
    told = [happened(type, user, f"2026-03-0{day}T10:00") for type in "ab" for user in ("ada", "bo") for day in (1, 2)]
    tell(store, tenant, told)
    question = asked(kind.name())
    first, second = ask(store, question, tenant), ask(store, question, tenant)
    assert first.model_dump() == second.model_dump()
    # but nothing that people wrote stays anywhere else
    assert (second.found is None) == (kind.purpose == "text")


def test_each_kind_has_its_time(answers: Answers, clock: Clock, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "answers", answers)

    def still_kept(question: Question[Any]) -> list[int]:
        clock.now += 10_000
        ask(store, question)
        found, began = [], clock.now
        for seconds in (59, 61, 299, 301, 599, 601):
            clock.now = began + seconds
            answered: Answered[Any] = ask(store, question)
            assert answered.found is not None
            if not answered.found.kept:
                break
            assert answered.found.age_seconds == seconds
            found.append(seconds)
        return found

    assert still_kept(Totals(as_of=CLOSED)) == [59]
    assert still_kept(Retention(as_of=CLOSED)) == [59, 61, 299]
    assert still_kept(DropoutRisk(user="ada", as_of=CLOSED)) == [59, 61, 299, 301, 599]


def test_what_changes_while_it_is_read_is_not_kept(answers: Answers, store: Store, tenant: str) -> None:
    keeping = answers.keeping(tenant, 60)
    tell(store, tenant, [happened("seen")])
    assert answers.query(COUNT, {"tenant": tenant}, keeping).rows == [{"n": 1}]
    later = answers.keeping(tenant, 60)
    assert not answers.query(COUNT, {"tenant": tenant}, later).kept
    assert answers.query(COUNT, {"tenant": tenant}, later).kept
    # who asked before the change and is slow gets nothing kept for those who ask after it
    assert not answers.query(COUNT, {"tenant": tenant}, keeping).kept


def test_a_change_empties_the_memory_at_once(answers: Answers, store: Store, tenant: str) -> None:
    for one in (tenant, f"{tenant}-other"):
        answers.query(COUNT, {"tenant": one}, answers.keeping(one, 60))
    half = answers.bytes() // 2
    assert half
    # as an erasure does it
    store.engine.command("alter table people delete where tenant = {tenant:String}", {"tenant": tenant})
    assert answers.bytes() == half
    store.engine.command("system flush logs")
    assert answers.bytes() == 0


def test_the_memory_is_bounded_and_the_least_used_goes_first(store: Store) -> None:
    answers = Answers(store.engine, Changes(), 40_000)
    sql = "select {n:UInt64} as n, repeat('x', 5000) as text"

    def kept(number: int) -> bool:
        return answers.query(sql, {"n": number}, answers.keeping("bounded", 60)).kept

    assert not any(kept(n) for n in range(7))
    assert kept(0)
    assert not kept(7)
    assert kept(0)
    assert not kept(1)
    assert answers.bytes() <= 40_000
    large = "select repeat('x', 20000) as text"
    assert not any(answers.query(large, {}, answers.keeping("bounded", 60)).kept for _ in range(2))


def test_it_is_off_where_it_is_set_so_or_others_write_too(store: Store) -> None:
    settings = store.settings
    assert _kept_bytes(settings) == 64 << 20
    assert _kept_bytes(settings.model_copy(update={"query_cache_seconds": 0})) == 0
    assert _kept_bytes(settings.model_copy(update={"clickhouse_url": "http://localhost:8123"})) == 0
    assert Answers(store.engine, Changes(), 0).keeping("x", 60) is None


def test_who_writes_reads_it_in_the_next_answer_however_many_ask_meanwhile(store: Store, tenant: str) -> None:
    done = threading.Event()
    wrong: list[BaseException] = []

    def keep_asking() -> None:
        try:
            last = 0
            while not done.is_set():
                count = events(store, tenant)[0]
                assert count >= last
                last = count
        except BaseException as error:
            wrong.append(error)

    others = [threading.Thread(target=keep_asking) for _ in range(3)]
    for one in others:
        one.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for number in range(1, 41):
            tell(store, tenant, [happened("seen")])
            assert events(store, tenant)[0] == number
    finally:
        sys.setswitchinterval(interval)
        done.set()
        for one in others:
            one.join()
    assert not wrong
