"""Behaviour, in small stories with numbers worked out by hand; survival besides by an example of the textbooks."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollbook.analyses.ask import ask
from rollbook.analyses.behaviour.funnel import Funnel
from rollbook.analyses.behaviour.lifecycle import Lifecycle
from rollbook.analyses.behaviour.sessions import Sessions
from rollbook.analyses.behaviour.stickiness import Stickiness
from rollbook.analyses.behaviour.survival import Survival
from rollbook.analyses.catalogue import question
from rollbook.errors import Invalid
from rollbook.store import Store
from tests.stories import happened, tell

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
TODAY = datetime(2026, 3, 31, tzinfo=UTC)
DAY = timedelta(days=1)


def walked(user: str, *steps: str, **more: Any) -> list[dict[str, Any]]:
    """Events on 30 March: `a 10:00` and so on."""
    return [happened(step.split()[0], user, f"2026-03-30T{step.split()[1]}", **more) for step in steps]


def reached(store: Store, tenant: str, steps: str = "a,b,c", **more: Any) -> list[int]:
    """How many people got to each step."""
    asked = question("funnel", {"steps": steps, "as_of": NOW} | more)
    return [row.people for row in ask(store, asked, tenant).rows]


def test_a_funnel_step_by_step(store: Store, tenant: str) -> None:
    tell(store, tenant, walked("ada", "a 10:00", "b 10:10", "c 10:30"))
    tell(store, tenant, walked("bo", "a 10:00", "b 10:20"))
    tell(store, tenant, walked("cy", "b 10:00", "a 11:00", "c 12:00"))
    tell(store, tenant, walked("", "a 10:00", "b 10:10", "c 10:30"))
    rows = ask(store, Funnel(steps=("a", "b", "c"), as_of=NOW), tenant).rows
    assert [(row.step, row.event, row.entered, row.people) for row in rows] == [
        (1, "a", 3, 3),
        (2, "b", 3, 2),
        (3, "c", 3, 1),
    ]
    assert [row.share for row in rows] == [1, pytest.approx(2 / 3), pytest.approx(1 / 3)]
    assert [row.median_seconds for row in rows] == [0, 900, 1800]
    assert rows[1].p90_seconds == pytest.approx(1140)
    assert reached(store, tenant, order="any") == [3, 3, 2]


@pytest.mark.parametrize(
    ("events", "more", "found"),
    [
        # the second attempt gets through, the first does not within the hour
        (("a 10:00", "a 11:00", "b 11:30", "c 11:59"), {"window": "1h"}, 3),
        (("a 10:00", "b 11:00"), {"window": "1h"}, 2),
        (("a 10:00", "b 11:00:00.001"), {"window": "1h"}, 1),
        # the best of several attempts counts, wherever it stands
        (("a 10:00", "b 10:01", "c 10:02", "a 10:03", "b 10:04"), {}, 3),
        # in one millisecond, in the order of the steps
        (("c 10:00", "b 10:00", "a 10:00"), {}, 3),
        (("a 10:00", "b 10:00"), {"order": "strict"}, 2),
        # another step, or anything else, comes between
        (("a 10:00", "x 10:01", "b 10:02"), {}, 2),
        (("a 10:00", "x 10:01", "b 10:02"), {"order": "strict"}, 1),
        (("a 10:00", "a 10:01", "b 10:02", "c 10:03"), {"order": "strict"}, 3),
        (("a 10:00", "x 10:01", "b 10:02"), {"exclude": "x"}, 1),
        (("a 10:00", "x 10:01", "a 10:02", "b 10:03"), {"exclude": "x"}, 2),
        # in the same millisecond, the excluded event comes after the step
        (("a 10:00", "b 10:01", "x 10:01", "c 10:02"), {"exclude": "x"}, 2),
        (("a 10:00", "b 10:01", "c 10:02", "x 10:02"), {"exclude": "x"}, 3),
        (("c 10:00", "b 10:20", "a 10:40"), {"order": "any", "window": "40m"}, 3),
        (("c 10:00", "b 10:20", "a 10:40"), {"order": "any", "window": "39m"}, 2),
    ],
)
def test_what_an_attempt_is(store: Store, tenant: str, events: tuple[str, ...], more: Any, found: int) -> None:
    tell(store, tenant, walked("ada", *events))
    assert sum(reached(store, tenant, **more)) == found


def test_a_type_may_be_several_steps(store: Store, tenant: str) -> None:
    tell(store, tenant, walked("ada", "a 10:00", "b 10:10"))
    tell(store, tenant, walked("bo", "a 10:00", "a 10:05", "b 10:10"))
    assert reached(store, tenant, "a,a,b") == [2, 1, 1]


def test_a_funnel_falls_apart_by_its_first_step(store: Store, tenant: str) -> None:
    for n, channel in enumerate(("web", "web", "app")):
        tell(store, tenant, walked(f"u{n}", "a 10:00", channel=channel, properties=f'{{"plan": "p{n % 2}", "n": {n}}}'))
        tell(store, tenant, walked(f"u{n}", "b 11:00", channel="mail"))

    def by(breakdown: str) -> list[tuple[str, int]]:
        asked = Funnel(steps=("a", "b"), as_of=NOW, breakdown=breakdown)
        return [(row.value, row.people) for row in ask(store, asked, tenant).rows if row.step == 2]

    assert by("channel") == [("web", 2), ("app", 1)]
    assert by("property:plan") == [("p0", 2), ("p1", 1)]
    assert by("property:n") == [("0", 1), ("1", 1), ("2", 1)]
    assert by("property:nothing") == [("", 3)]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"steps": "a"}, "at least 2"),
        ({"steps": ",".join("abcdefghijklmnopqrstu")}, "at most 20"),
        ({"steps": "a,b", "exclude": "b"}, "is a step and excluded"),
        ({"steps": "a,b,a", "order": "any"}, "each step is another type"),
        ({"steps": "a,b", "window": "367d"}, "at most 366 days"),
        ({"steps": "a,b", "breakdown": "user"}, "breakdown"),
    ],
)
def test_what_is_no_funnel(given: Any, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        question("funnel", given)


def test_twenty_steps(store: Store, tenant: str) -> None:
    tell(store, tenant, walked("ada", *(f"s{n} 10:{n:02}" for n in range(20))))
    assert reached(store, tenant, ",".join(f"s{n}" for n in range(20))) == [1] * 20


def edges(store: Store, tenant: str, **more: Any) -> list[tuple[int, str, str, int, int]]:
    """The steps of all paths."""
    rows = ask(store, question("paths", {"event": "a", "as_of": NOW} | more), tenant).rows
    return [(row.step, row.source, row.target, row.people, row.source_people) for row in rows]


def test_paths_after_and_before(store: Store, tenant: str) -> None:
    tell(store, tenant, walked("ada", "z 09:50", "a 10:00", "b 10:10", "b 10:11", "c 10:30", "d 10:40"))
    tell(store, tenant, walked("bo", "a 10:00", "b 10:20"))
    tell(store, tenant, walked("cy", "y 09:00", "a 11:00", "c 11:05"))
    tell(store, tenant, walked("di", "b 11:00", "c 12:00"))
    assert edges(store, tenant, depth=2) == [
        (1, "a", "b", 2, 3),
        (1, "a", "c", 1, 3),
        (2, "b", "c", 1, 2),
        (2, "b", "(end)", 1, 2),
        (2, "c", "(end)", 1, 1),
    ]
    assert edges(store, tenant, depth=1, most=1) == [(1, "a", "b", 2, 3), (1, "a", "(other)", 1, 3)]
    assert edges(store, tenant, depth=2, repeats=True)[2] == (2, "b", "b", 1, 2)
    before = edges(store, tenant, depth=1, direction="before", window="30m")
    assert before == [(1, "a", "z", 1, 3), (1, "a", "(end)", 2, 3)]
    assert edges(store, tenant, event="never") == []


def test_lifecycle_of_weeks(store: Store, tenant: str) -> None:
    # Mondays: 2, 9, 16, 23, 30 March
    told = {"ada": "03 10 17 24 31", "bo": "03 10 24", "cy": "24 31", "di": "17"}
    for user, days in told.items():
        tell(store, tenant, [happened("x", user, f"2026-03-{day}T10:00") for day in days.split()])
    rows = ask(store, Lifecycle(periods=4, as_of=NOW), tenant).rows
    assert [(r.period.day, r.new, r.returning, r.resurrecting, r.dormant) for r in rows] == [
        (9, 0, 2, 0, 0),
        (16, 1, 1, 0, 1),
        (23, 1, 1, 1, 1),
        (30, 0, 2, 0, 1),
    ]
    before = ask(store, Lifecycle(periods=1, unit="month", as_of=NOW, compare="previous"), tenant).before
    assert before is not None
    assert before.as_of == datetime(2026, 2, 28, 12, tzinfo=UTC)


def test_stickiness_of_a_week(store: Store, tenant: str) -> None:
    for user, days in {"ada": (23, 24, 25), "bo": (23, 29), "cy": (24,), "di": (30,)}.items():
        tell(store, tenant, [happened("x", user, f"2026-03-{day}T{hour}:00") for day in days for hour in (10, 11)])
    last, this = ask(store, Stickiness(unit="week", periods=2, as_of=NOW), tenant).rows
    assert (last.people, last.days_so_far) == (3, 7)
    assert last.dau_mau == pytest.approx(6 / 3 / 7)
    assert last.at_least == [1, pytest.approx(2 / 3), pytest.approx(1 / 3), 0, 0, 0, 0]
    assert (this.people, this.days_so_far, this.dau_mau) == (1, 2, 0.5)
    assert this.at_least == [1, 0, None, None, None, None, None]


def test_sessions_and_their_pauses(store: Store, tenant: str) -> None:
    tell(store, tenant, walked("ada", "x 10:00", "x 10:30", "x 11:00:00.001", "x 23:50"))
    tell(store, tenant, [happened("x", "ada", "2026-03-31T00:10"), happened("x", "bo", "2026-03-31T10:00")])
    first, last = ask(store, Sessions(days=2, as_of=NOW), tenant).rows
    assert (first.sessions, first.people, first.events, first.bounces) == (3, 1, 5, 1)
    assert (first.mean_seconds, first.median_seconds) == (1000, 1200)
    assert (last.sessions, last.people, last.bounce_rate) == (1, 1, 1)
    # the session that went on over midnight began the day before
    (only,) = ask(store, Sessions(days=1, as_of=NOW), tenant).rows
    assert (only.sessions, only.events) == (1, 1)


def stays(user: str, came: datetime, days: int) -> list[dict[str, Any]]:
    """Somebody who came on so many days, one after the other."""
    return [happened("x", user, came + n * DAY + timedelta(hours=9)) for n in range(days)]


def test_kaplan_and_meier_as_in_the_textbooks(store: Store, tenant: str) -> None:
    """Remission of 21 leukaemia patients on 6-MP (Freireich and others 1963), as printed in most books on survival."""
    numbers = itertools.count()
    for time in (6, 6, 6, 7, 10, 13, 16, 22, 23):
        # six days without events end on that day
        tell(store, tenant, stays(f"u{next(numbers)}", TODAY - 40 * DAY, time - 5))
    for time in (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35):
        tell(store, tenant, stays(f"u{next(numbers)}", TODAY - (time + 1) * DAY, time + 2))
    rows = ask(store, Survival(days=60, inactive_days=6, as_of=NOW), tenant).rows
    told = [
        (6, 21, 0.857, 0.620, 0.952),
        (7, 17, 0.807, 0.563, 0.923),
        (10, 15, 0.753, 0.503, 0.889),
        (13, 12, 0.690, 0.432, 0.849),
        (16, 11, 0.627, 0.368, 0.805),
        (22, 7, 0.538, 0.268, 0.747),
        (23, 6, 0.448, 0.188, 0.680),
    ]
    for day, at_risk, *estimates in told:
        row = rows[day]
        assert (row.day, row.at_risk) == (day, at_risk)
        assert [row.survival, row.lower, row.upper] == pytest.approx(estimates, abs=6e-4)
    assert (len(rows), rows[35].at_risk, rows[35].dropped) == (36, 1, 9)
    assert (rows[5].survival, rows[5].lower) == (1, None)


def test_completion_competes_with_dropping_out(store: Store, tenant: str) -> None:
    came = TODAY - 20 * DAY
    # of four, one completes on day 2, one drops out on day 3 and one on day 4; then one goes on
    tell(store, tenant, [*stays("ada", came, 3), happened("course_complete", "ada", came + 2 * DAY)])
    tell(store, tenant, [*stays("bo", came, 1), *stays("cy", came, 2), *stays("di", came, 21)])
    # what comes after dropping out does not count
    tell(store, tenant, [happened("course_complete", "bo", came + 10 * DAY)])
    rows = ask(store, Survival(days=30, inactive_days=3, as_of=NOW), tenant).rows
    by_day = {row.day: row for row in rows}
    assert (by_day[2].at_risk, by_day[2].completed, by_day[2].completion, by_day[2].survival) == (4, 1, 0.25, 1)
    assert (by_day[3].at_risk, by_day[3].dropout) == (3, 0.25)
    assert by_day[3].survival == pytest.approx(2 / 3)
    assert (by_day[4].at_risk, by_day[4].dropout) == (2, 0.5)
    assert by_day[4].survival == pytest.approx(1 / 3)
    assert (by_day[19].at_risk, by_day[19].completion) == (1, 0.25)
    assert max(by_day) == 19
