"""Small cells: no answer for who may see groups only speaks of few people, and noise gives nobody away."""

import itertools
import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollbook.analyses.ask import Answered, ask
from rollbook.analyses.catalogue import BY_NAME, question
from rollbook.analyses.question import Question
from rollbook.errors import Forbidden, Invalid, RollbookError
from rollbook.governance.access import QUESTIONS
from rollbook.governance.cells import SPREAD, Cell, is_small, noise
from rollbook.governance.grants import Grant
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from tests.analyses.subjects import SUBJECT_OF
from tests.stories import happened, tell

GROUPS = sorted(name for name, permission in QUESTIONS.items() if permission == "ask_many")
NOW = datetime(2026, 3, 11, 15, tzinfo=UTC)
MONDAY = date(2026, 1, 5)
WEEKS = 8
PEOPLE = 200
SHARE = 0.3
_tenants = itertools.count()


def asked(name: str, **more: Any) -> Question[Any]:
    """A question about everybody, as of a moment in the middle of a day."""
    needed = dict(SUBJECT_OF[name].needed.get(name, {}))
    return question(name, {"as_of": NOW} | needed | more)


def of_groups(store: Store, tenant: str, question: Question[Any]) -> Answered[Any]:
    """The answer for an analyst."""
    return ask(store, question, Grant(tenant, cells=True))


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_question_about_many_can_be_asked_about_groups_and_no_other(store: Store, tenant: str, name: str) -> None:
    if name in GROUPS:
        assert of_groups(store, tenant, asked(name)).perturbed is False
    else:
        with pytest.raises(Forbidden, match="one by one"):
            of_groups(store, tenant, asked(name))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9), st.sampled_from("abc")), max_size=120))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("name", GROUPS)
def test_no_answer_shows_a_small_cell(store: Store, tenant: str, name: str, seen: list[tuple[int, int, str]]) -> None:
    tenant = f"{tenant}-{next(_tenants)}"
    events = [happened(type, f"u{user}", datetime(2026, 3, 10 - day, 12, tzinfo=UTC)) for user, day, type in seen]
    tell(store, tenant, events)
    answered = of_groups(store, tenant, asked(name))
    assert answered.as_of == datetime(2026, 3, 10, 23, 59, 59, 999000, tzinfo=UTC)
    everyone = {event["user"] for event in events}
    for row in answered.rows:
        for people, whole in crowds(name, row, events, everyone):
            assert not is_small(people, whole, 5), (row, people, whole)


def crowds(name: str, row: Any, events: list[dict[str, Any]], everyone: set[str]) -> list[tuple[int, int | None]]:
    """By brute force: how many people stand behind each figure of a row, and of how many they are a part."""

    def among(keep: Any) -> int:
        return len({event["user"] for event in events if keep(event)})

    match name:
        case "totals":
            return [(len(everyone), None)]
        case "event_distribution":
            day = [event for event in events if event["timestamp"].date() == date(2026, 3, 10)]
            users = {event["user"] for event in day if event["type"] == row.type}
            return [(len(users), len({event["user"] for event in day}))]
        case "daily_metrics":
            return [(among(lambda e: e["timestamp"].date() == row.date), len(everyone))]
        case "events_by_day":
            return [(among(lambda e: e["timestamp"].date() == row.day), len(everyone))]
        case "activity_heatmap":
            here = among(lambda e: (e["timestamp"].isoweekday(), e["timestamp"].hour) == (row.weekday, row.hour))
            return [(here, len(everyone))]
        case "active_users":
            spans = [(row.dau, 1), (row.wau, 7), (row.mau, 30)]
            counted = [
                (among(lambda e, d=days: 0 <= (row.day - e["timestamp"].date()).days < d), shown)
                for shown, days in spans
            ]
            assert all(shown in (None, people) for people, shown in counted)
            return [(people, len(everyone)) for people, shown in counted if shown is not None]
        case "retention" | "retention_periods":
            return [(row.active_users, row.cohort_size), (row.cohort_size, None)]
        case "retention_curve":
            return [(row.returned, row.people)]
        case "cohorts":
            return [(round(share * row.people), row.people) for share in row.returned if share is not None]
        case "cohort_analysis":
            shares = row.retention.values()
            return [(round(share * row.cohort_size), row.cohort_size) for share in shares if share is not None]
        case "data_quality":
            assert row.lowered_by is None
            assert row.source in (None, "")
            return [(among(lambda e: e["timestamp"].date() == row.day), len(everyone))]
        case "funnel":
            lately = among(lambda e: e["timestamp"] > datetime(2026, 2, 8, 23, 59, 59, 999000, tzinfo=UTC))
            assert row.median_seconds is row.p90_seconds is None
            return [(row.people, lately), (row.entered, lately)]
        case "paths":
            return [(row.people, row.source_people), (row.source_people, len(everyone))]
        case "lifecycle":
            return [(row.new, len(everyone)), (row.returning, len(everyone)), (row.dormant, len(everyone))]
        case "stickiness":
            shares = [(round(share * row.people), row.people) for share in row.at_least if share is not None]
            return [(row.people, len(everyone)), *shares]
        case "sessions":
            return [(among(lambda e: e["timestamp"].date() == row.day), len(everyone))]
        case "survival":
            return [(row.at_risk, None)]
    return []


def test_what_is_withheld_cannot_be_told_from_a_sum(store: Store, tenant: str) -> None:
    # of 30 people, 20 went from a to b and 7 to c; 3 to d, whom the sum of 30 would tell
    for n in range(30):
        then = "b" if n < 20 else "c" if n < 27 else "d"
        tell(store, tenant, [happened("a", f"u{n}", "2026-03-10T10:00"), happened(then, f"u{n}", "2026-03-10T10:05")])
    tell(store, tenant, [happened("x", f"v{n}", "2026-03-10T10:00") for n in range(9)])
    answered = of_groups(store, tenant, asked("paths", depth=1))
    assert [(row.target, row.people, row.source_people) for row in answered.rows] == [("b", 20, 30)]
    assert answered.withheld == 2


def test_steps_of_few_are_not_shown(store: Store, tenant: str) -> None:
    # 40 begin, 38 go on, 30 arrive; 20 others are here, too
    tell(store, tenant, [happened("a", f"u{n}", "2026-03-10T10:00") for n in range(40)])
    tell(store, tenant, [happened("b", f"u{n}", "2026-03-10T11:00") for n in range(38)])
    tell(store, tenant, [happened("c", f"u{n}", "2026-03-10T12:00") for n in range(30)])
    tell(store, tenant, [happened("x", f"v{n}", "2026-03-10T10:00") for n in range(20)])
    answered = of_groups(store, tenant, asked("funnel", steps="a,b,c"))
    assert [(row.event, row.people) for row in answered.rows] == [("a", 40), ("c", 30)]


def test_people_may_not_be_named_nor_days_be_cut_otherwise(store: Store, tenant: str) -> None:
    with pytest.raises(Forbidden, match="one by one"):
        of_groups(store, tenant, asked("retention", users=["ada"]))
    with pytest.raises(Invalid, match="timezone"):
        of_groups(store, tenant, asked("totals", timezone="Asia/Tokyo"))
    with pytest.raises(Invalid, match="whole days"):
        of_groups(store, tenant, asked("anomalies", window="24h"))
    tenants_of(store).change(tenant, perturbation=True)
    with pytest.raises(Invalid, match="whole weeks"):
        of_groups(store, tenant, asked("totals", days=8))
    with pytest.raises(Forbidden, match="single days"):
        of_groups(store, tenant, asked("active_users"))


def test_the_smallest_cell_is_the_tenants_setting(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("a", f"u{n}", "2026-03-10T12:00") for n in range(7)])
    assert of_groups(store, tenant, asked("totals")).only().people == 7
    tenants_of(store).change(tenant, smallest_cell=8)
    answered = of_groups(store, tenant, asked("totals"))
    assert (answered.rows, answered.withheld) == ([], 1)
    with pytest.raises(Forbidden, match="withheld"):
        answered.only()


def test_the_same_people_always_get_the_same_noise() -> None:
    cell, whole = Cell(20, 123), Cell(50, 456)
    assert noise(cell, whole, b"k") == noise(cell, whole, b"k")
    drawn = [noise(Cell(20, code), whole, b"k") for code in range(4000)]
    assert {-2 * SPREAD, 2 * SPREAD} <= set(drawn) <= set(range(-2 * SPREAD, 2 * SPREAD + 1))
    assert abs(float(np.mean(drawn))) < 0.2


class World:
    """People who each came on one day, and did the secret thing then or not."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.day = {f"u{n:03}": chance.randrange(WEEKS * 7) for n in range(PEOPLE)}
        self.secret = {user: chance.random() < SHARE for user in self.day}

    def events(self) -> list[dict[str, Any]]:
        """What the store gets to know; the attacker knows all but who did the secret thing."""
        told = []
        for user, day in self.day.items():
            at = datetime(2026, 1, 5, 12, tzinfo=UTC) + timedelta(days=day)
            told += [happened(type, user, at) for type in ("visit", "secret") if type == "visit" or self.secret[user]]
        return told


@pytest.mark.slow
def test_ten_thousand_questions_about_two_hundred_people_give_nobody_away(store: Store) -> None:
    """The attacker knows on which day everyone came, asks what may be asked, and solves for who did it."""
    gained, could_have = [], []
    for seed, questions in ((1, 10_000), (2, 200), (3, 200), (4, 200), (5, 200)):
        world, tenant = World(seed), f"cells-{seed}-{next(_tenants)}"
        tell(store, tenant, world.events())
        tenants_of(store).change(tenant, perturbation=True)
        doers = sum(world.secret.values()) / PEOPLE
        gained.append(accuracy(world, learned(store, tenant, seed, questions)) - max(doers, 1 - doers))
        # to whom the exact figure of each day is shown, it gives many away: the attack works
        exact = {
            (d, d): float(sum(world.secret[u] for u, day in world.day.items() if day == d)) for d in range(WEEKS * 7)
        }
        could_have.append(accuracy(world, exact) - max(doers, 1 - doers))
    assert np.mean(could_have) > 0.05
    assert np.mean(gained) <= 0.01


def learned(store: Store, tenant: str, seed: int, questions: int) -> dict[tuple[int, int], float]:
    """What so many questions at random tell: for stretches of days (first and last, from MONDAY) the events."""
    chance = random.Random(seed)
    known: dict[tuple[int, datetime], tuple[datetime, float] | None] = {}
    refused = 0
    for _ in range(questions):
        # the more often whole weeks are asked for, the more is told
        days = chance.choice((chance.randrange(1, WEEKS * 7 + 1), 7 * chance.randrange(1, WEEKS + 1)))
        as_of = datetime(2026, 1, 5, 12, tzinfo=UTC) + timedelta(days=WEEKS * 7 - chance.randrange(WEEKS * 7))
        if (days, as_of) not in known:
            known[days, as_of] = noisy(store, tenant, days, as_of)
        refused += known[days, as_of] is None
    assert refused > questions / 4
    told: dict[tuple[int, int], float] = {}
    for (days, _), answer in known.items():
        if answer is not None:
            end = (answer[0].date() - MONDAY).days
            stretch = max(0, end - days + 1), end
            # the same people, the same noise: asking again tells nothing
            assert told.setdefault(stretch, answer[1]) == answer[1]
    assert len(told) > 15
    return told


def noisy(store: Store, tenant: str, days: int, as_of: datetime) -> tuple[datetime, float] | None:
    """What is told of the secret thing in so many days: up to when, and how many events."""
    try:
        answered = of_groups(store, tenant, question("event_distribution", {"days": days, "as_of": as_of}))
    except RollbookError:
        return None
    told = [row.events for row in answered.rows if row.type == "secret"]
    return (answered.as_of, told[0]) if told else None


def accuracy(world: World, learned: dict[tuple[int, int], float]) -> float:
    """How often the best guess from sums over stretches of days is right: least squares, then what is likelier."""
    matrix = np.zeros((len(learned), WEEKS * 7))
    for row, (begin, end) in enumerate(learned):
        matrix[row, begin : end + 1] = 1
    here = defaultdict(list)
    for user, day in world.day.items():
        here[day].append(user)
    size = np.array([len(here[day]) for day in range(WEEKS * 7)], float)
    # the unknown is the share of each day's people; without knowledge it is the base rate
    prior = 0.05
    left = np.vstack([matrix * size, prior * np.eye(WEEKS * 7)])
    right = np.concatenate([np.array(list(learned.values())), prior * SHARE * np.ones(WEEKS * 7)])
    shares = np.linalg.lstsq(left, right, rcond=None)[0]
    right_guesses = sum((shares[day] > 0.5) == world.secret[user] for user, day in world.day.items())
    return float(right_guesses / PEOPLE)
