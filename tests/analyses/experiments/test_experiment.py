"""Experiments over events: who was in which variant, and what may be said of it, worked out by hand."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from rollbook.analyses.ask import ask
from rollbook.analyses.catalogue import question
from rollbook.analyses.experiments.experiment import Experiment
from rollbook.errors import Invalid
from rollbook.governance.grants import Grant
from rollbook.store import Store
from tests.analyses.experiments.test_statistics import better
from tests.stories import happened, tell

START = datetime(2026, 3, 2, 10)
AS_OF = "2026-03-11T00:00"


def put(user: str, variant: str, at: datetime = START, **more: Any) -> dict[str, Any]:
    """Somebody is put into a variant."""
    said = json.dumps({"experiment": "hints", "variant": variant})
    return happened("experiment_assigned", user, at, properties=said, **more)


def arm(variant: str, people: int, converted: int, *, errors: int = 0) -> list[dict[str, Any]]:
    """So many people of a variant; the first of them finish, and the last meet an error."""
    users = [f"{variant}-{n}" for n in range(people)]
    later = START + timedelta(hours=1)
    return [
        *(put(user, variant) for user in users),
        *(happened("completion", user, later) for user in users[:converted]),
        *(happened("api_error", user, later) for user in users[people - errors :]),
    ]


def asked(**more: Any) -> Experiment:
    """The question."""
    made = question("experiment", {"experiment": "hints", "goal": "completion", "as_of": AS_OF} | more)
    assert isinstance(made, Experiment)
    return made


def test_two_variants(store: Store, tenant: str) -> None:
    tell(store, tenant, arm("control", 80, 48) + arm("hints", 70, 56, errors=20))
    control, hints = ask(store, asked(must_not_rise="api_error", must_not_fall="completion2"), tenant).rows
    assert (control.is_control, control.people, control.conversions, control.rate) == (True, 80, 48, 0.6)
    assert (control.difference, control.p_value, control.always_low) == (None, None, None)
    assert (hints.people, hints.conversions, hints.rate, hints.test) == (70, 56, 0.8, "two-proportion z")
    # Newcombe's own example
    assert [hints.difference, hints.low, hints.high] == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)
    assert hints.p_value == hints.p_value_adjusted == pytest.approx(0.00804, abs=2e-5)
    # who peeks may not be so sure yet
    assert hints.always_low is not None
    assert hints.always_low < 0
    assert hints.probability_best == pytest.approx(better((48, 80), (56, 70)), abs=2e-5)
    # chi-square of 80 and 70 of 150: 25/75 + 25/75 = 0.667
    assert hints.share_p_value == pytest.approx(0.4142, abs=1e-4)
    assert hints.warning is None
    errors, none = hints.guardrails or []
    assert (errors.type, errors.people, errors.verdict) == ("api_error", 20, "worse")
    assert (none.type, none.people, none.verdict, none.must_not) == ("completion2", 0, "not worse", "fall")
    assert [rail.verdict for rail in control.guardrails or []] == ["unknown", "unknown"]


def test_what_was_done_before_the_exposure_or_after_the_window_does_not_count(store: Store, tenant: str) -> None:
    events = [
        happened("completion", "early", START - timedelta(milliseconds=1)),
        put("early", "control"),
        put("tie", "control"),
        happened("completion", "tie", START),
        put("late", "control"),
        happened("completion", "late", START + timedelta(days=2)),
        put("both", "control"),
        put("both", "hints", START + timedelta(days=1)),
        happened("completion", "nobody-assigned", START),
        put("", "hints"),
        happened("experiment_assigned", "other", START, properties='{"experiment": "other", "variant": "hints"}'),
    ]
    tell(store, tenant, events)
    row = ask(store, asked(), tenant).only()
    assert (row.people, row.conversions, row.mixed) == (3, 2, 1)
    assert ask(store, asked(within_days=2), tenant).only().conversions == 1


def test_shares_that_are_wrong_are_said_plainly(store: Store, tenant: str) -> None:
    tell(store, tenant, arm("a", 200, 10) + arm("b", 100, 5))
    rows = ask(store, asked(), tenant).rows
    assert [row.is_control for row in rows] == [True, False]
    assert all("do not trust the comparison" in (row.warning or "") for row in rows)
    rows = ask(store, asked(split="a=2,b=1"), tenant).rows
    assert [(row.warning, row.share_p_value) for row in rows] == [(None, 1.0)] * 2


def test_means_of_a_value(store: Store, tenant: str) -> None:
    events = []
    for variant, scores in (("control", (50.0, 60.0, 70.0)), ("hints", (70.0, 80.0, 90.0))):
        for n, score in enumerate(scores):
            events.append(put(f"{variant}-{n}", variant))
            events += [happened("completion", f"{variant}-{n}", START, score=score + d) for d in (-10, 10)]
        events.append(put(f"{variant}-none", variant))
    tell(store, tenant, events)
    control, hints = ask(store, asked(value="score"), tenant).rows
    assert (control.people, control.values, control.mean, control.deviation) == (4, 3, 60.0, 10.0)
    # Welch: 20 / sqrt(100/3 + 100/3) = 2.449, 4 degrees of freedom: p = 0.0705
    assert (hints.mean, hints.difference, hints.test) == (80.0, 20.0, "Welch t")
    assert hints.p_value == pytest.approx(0.0705, abs=5e-5)
    assert hints.always_low is None
    control, hints = ask(store, asked(value="score", per="sum"), tenant).rows
    assert (control.values, control.mean) == (4, 90.0)


def test_whole_courses_may_be_assigned(store: Store, tenant: str) -> None:
    events = [put("", "control" if course in "ab" else "hints", course=course) for course in "abcd"]
    for course, people, converted in (("a", 2, 2), ("b", 2, 0), ("c", 4, 4), ("d", 4, 2)):
        before = START - timedelta(days=1)
        events += [happened("page_view", f"{course}{n}", before, course=course) for n in range(people)]
        events += [happened("completion", f"{course}{n}", START, course=course) for n in range(converted)]
    tell(store, tenant, events)
    control, hints = ask(store, asked(unit="course"), tenant).rows
    assert (control.people, control.classes, control.rate) == (4, 2, 0.5)
    assert (hints.people, hints.classes, hints.rate, hints.test) == (8, 2, 0.75, "cluster-robust t")
    # as in test_statistics: a difference of 1/4 with variance 5/16, 2 degrees of freedom
    assert hints.difference == pytest.approx(0.25)
    assert hints.p_value == pytest.approx(0.6985, abs=1e-4)
    assert hints.share_p_value == 1.0


def test_analysts_see_no_few_and_nobody_by_difference(store: Store, tenant: str) -> None:
    tell(store, tenant, arm("control", 80, 48) + arm("hints", 70, 66))
    rows = ask(store, asked(), Grant(tenant, cells=True)).rows
    # of 70 all but four: the row of the variant goes; what is left says nothing of it
    assert [(row.variant, row.guardrails, row.mixed, row.difference) for row in rows] == [("control", None, None, None)]
    tell(store, tenant, [happened("completion", f"control-{n}", START) for n in range(80)])
    assert ask(store, asked(), Grant(tenant, cells=True)).rows == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"must_not_rise": "completion"}, "different event types"),
        ({"split": "control=-1"}, "split"),
        ({"split": "control"}, "split"),
        ({"unit": "school"}, "unit"),
        ({"alpha": "0.9"}, "alpha"),
    ],
)
def test_what_cannot_be_asked_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        asked(**more)


def test_nothing_assigned_is_no_row(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("completion", "ada", START)])
    assert ask(store, asked(), tenant).rows == []
