"""Stories of who comes back: retention, cohort analysis, cohorts, the retention curve."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from rollbook.analyses.ask import ask
from rollbook.analyses.cohort_analysis import CohortAnalysis
from rollbook.analyses.cohorts import Cohorts
from rollbook.analyses.retention import Retention
from rollbook.analyses.retention_curve import RetentionCurve
from rollbook.analyses.retention_periods import RetentionPeriods
from rollbook.store import Store
from tests.stories import happened, tell

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)

# who came on which days of March; ada, bob, cyd and dan first came on the 2nd, eve on the 4th
CAME = {"ada": (2, 3, 9), "bob": (2, 9), "cyd": (2, 3), "dan": (2,), "eve": (4, 5, 12), "": (1, 2, 9)}


@pytest.fixture(params=[False, True], ids=["events", "rollups"])
def school(store: Store, tenant: str, request: pytest.FixtureRequest) -> str:
    """The tenant where they came."""
    tell(store, tenant, [happened("page_view", user, f"2026-03-{d:02}T11:00") for user in CAME for d in CAME[user]])
    if request.param:
        store.rollups.roll(quiet_seconds=0)
    return tenant


def rows(store: Store, tenant: str, question: Any) -> list[dict[str, Any]]:
    """The answer as plain values."""
    return [row.model_dump() for row in ask(store, question, tenant).rows]


def test_retention_over_everyone(store: Store, school: str) -> None:
    # since 5 March 12:00: ada and bob on the 9th, eve on the 12th; of five people ever
    assert rows(store, school, Retention(period=7, as_of=NOW)) == [
        {"period_days": 7, "retention_rate": 0.6, "cohort_size": 5, "active_users": 3}
    ]


def test_the_period_is_in_hours_not_in_days(store: Store, school: str) -> None:
    # at 11:00 the event of 5 March 11:00 is 7 x 24 hours old, and out; a millisecond earlier it is in
    at = datetime(2026, 3, 12, 10, 59, 59, 999000, tzinfo=UTC)
    assert rows(store, school, Retention(period=7, as_of=at))[0]["active_users"] == 3
    assert rows(store, school, Retention(period=7, users=("eve",), as_of=at))[0]["active_users"] == 1
    later = datetime(2026, 3, 12, 11, tzinfo=UTC)
    assert rows(store, school, Retention(period=6, users=("eve",), as_of=at))[0]["active_users"] == 0
    assert rows(store, school, Retention(period=6, users=("eve",), as_of=later))[0]["active_users"] == 1


def test_retention_over_named_people(store: Store, school: str) -> None:
    # the empty name is nobody, a name said twice is one person, someone never seen is in the cohort
    asked = Retention(period=7, users=("ada", "ada", "dan", "never", ""), as_of=NOW)
    assert rows(store, school, asked) == [
        {"period_days": 7, "retention_rate": 1 / 3, "cohort_size": 3, "active_users": 1}
    ]


def test_retention_over_very_many_named_people(store: Store, school: str) -> None:
    names = ("ada", *(f"somebody {n}" for n in range(1_999)))
    asked = Retention(period=7, users=names, as_of=NOW)
    assert rows(store, school, asked)[0]["retention_rate"] == 1 / 2_000


def test_retention_periods_are_retention_for_each(store: Store, school: str) -> None:
    # after the 11th 11:00: eve; after the 9th 11:00 (what happened then is out): eve; after the 3rd: ada, bob, eve
    now = datetime(2026, 3, 12, 11, tzinfo=UTC)
    found = rows(store, school, RetentionPeriods(periods=(9, 1, 3), as_of=now))
    assert [(row["period_days"], row["active_users"], row["cohort_size"]) for row in found] == [
        (9, 3, 5),
        (1, 1, 5),
        (3, 1, 5),
    ]
    assert found == [rows(store, school, Retention(period=n, as_of=now))[0] for n in (9, 1, 3)]


def test_retention_when_people_came_again_later(store: Store, school: str) -> None:
    # asked on the 9th at 11:00, when eve's last event is yet to come: she was there on the 5th, at 11:00
    now = datetime(2026, 3, 9, 11, tzinfo=UTC)
    found = rows(store, school, RetentionPeriods(periods=(1, 4, 5), as_of=now))
    assert [row["active_users"] for row in found] == [2, 2, 3]
    assert [rows(store, school, Retention(period=n, as_of=now))[0]["active_users"] for n in (1, 4, 5)] == [2, 2, 3]


@pytest.mark.parametrize("users", [None, (), ("",)])
def test_retention_of_nobody_is_nought(store: Store, tenant: str, users: tuple[str, ...] | None) -> None:
    nobody = {"period_days": 7, "retention_rate": 0.0, "cohort_size": 0, "active_users": 0}
    assert rows(store, tenant, Retention(users=users)) == [nobody]


def test_who_came_later_is_not_in_the_cohort_yet(store: Store, school: str) -> None:
    found = rows(store, school, Retention(period=1, as_of=datetime(2026, 3, 3, 12, tzinfo=UTC)))
    assert found == [{"period_days": 1, "retention_rate": 0.5, "cohort_size": 4, "active_users": 2}]


def test_cohort_analysis(store: Store, school: str) -> None:
    # of four: three came on the 3rd or later (ada, bob, cyd), two on the 9th or later; the 16th has not come
    asked = CohortAnalysis(cohort_date=date(2026, 3, 2), periods=(0, 1, 2, 7, 8, 14), as_of=NOW)
    shares = {"day_0": 1.0, "day_1": 0.75, "day_2": 0.5, "day_7": 0.5, "day_8": 0.0, "day_14": None}
    assert rows(store, school, asked) == [{"cohort_date": date(2026, 3, 2), "cohort_size": 4, "retention": shares}]


def test_exact_cohort_analysis(store: Store, school: str) -> None:
    asked = CohortAnalysis(cohort_date=date(2026, 3, 2), periods=(0, 1, 2, 7), exact=True, as_of=NOW)
    shares = {"day_0": 1.0, "day_1": 0.5, "day_2": 0.0, "day_7": 0.5}
    assert rows(store, school, asked)[0]["retention"] == shares


def test_a_share_is_null_until_its_day_has_ended(store: Store, school: str) -> None:
    asked = {"cohort_date": date(2026, 3, 2), "periods": (7,)}
    last = datetime(2026, 3, 9, 23, 59, 59, 999000, tzinfo=UTC)
    assert rows(store, school, CohortAnalysis(**asked, as_of=last))[0]["retention"] == {"day_7": None}
    ended = datetime(2026, 3, 10, tzinfo=UTC)
    assert rows(store, school, CohortAnalysis(**asked, as_of=ended))[0]["retention"] == {"day_7": 0.5}


def test_what_came_later_does_not_count_yet(store: Store, school: str) -> None:
    # on 5 March nobody had come on the 9th: on day 2 or later nobody was back
    at = datetime(2026, 3, 5, 12, tzinfo=UTC)
    asked = CohortAnalysis(cohort_date=date(2026, 3, 2), periods=(1, 2), as_of=at)
    assert rows(store, school, asked)[0]["retention"] == {"day_1": 0.5, "day_2": 0.0}


def test_a_day_without_new_people_has_no_shares(store: Store, school: str) -> None:
    # only the empty user came on 1 March, and nobody is new on the 3rd
    for day in (1, 3):
        found = rows(store, school, CohortAnalysis(cohort_date=date(2026, 3, day), as_of=NOW))[0]
        assert found["cohort_size"] == 0
        assert set(found["retention"].values()) == {None}
        assert list(found["retention"]) == ["day_1", "day_7", "day_14", "day_30", "day_90"]


def test_first_came_means_ever(store: Store, school: str) -> None:
    tell(store, school, [happened("page_view", "dan", "2020-01-01T00:00")])
    assert rows(store, school, CohortAnalysis(cohort_date=date(2026, 3, 2), as_of=NOW))[0]["cohort_size"] == 3
    assert rows(store, school, Cohorts(days=30, as_of=NOW))[0]["people"] == 3


def test_cohorts(store: Store, school: str) -> None:
    found = rows(store, school, Cohorts(days=11, as_of=NOW))
    assert found == [
        {"day": date(2026, 3, 2), "people": 4, "returned": [1.0, 0.75] + [0.5] * 6 + [0.0] * 2 + [None]},
        {"day": date(2026, 3, 4), "people": 1, "returned": [1.0] * 8 + [None] * 3},
    ]


def test_only_cohorts_of_the_days_shown(store: Store, school: str) -> None:
    assert [row["day"] for row in rows(store, school, Cohorts(days=10, as_of=NOW))] == [date(2026, 3, 4)]


def test_the_retention_curve_takes_the_cohorts_together(store: Store, school: str) -> None:
    found = rows(store, school, RetentionCurve(days=11, as_of=NOW))
    assert [(row["n"], row["people"], row["returned"]) for row in found] == [
        (0, 5, 5), (1, 5, 4), (2, 5, 3), (3, 5, 3), (4, 5, 3), (5, 5, 3), (6, 5, 3), (7, 5, 3), (8, 4, 0), (9, 4, 0),
        (10, 0, 0),
    ]  # fmt: skip
    assert found[1]["share"] == 0.8
    assert found[10]["share"] is None


def test_days_are_those_of_the_zone(store: Store, tenant: str) -> None:
    # 03:30 UTC on the 3rd is the evening of the 2nd in New York: there both events fall on one day
    tell(store, tenant, [happened("page_view", "ada", at) for at in ("2026-03-02T20:00", "2026-03-03T03:30")])
    for zone, share in (("UTC", 1.0), ("America/New_York", 0.0)):
        asked = CohortAnalysis(cohort_date=date(2026, 3, 2), periods=(1,), as_of=NOW, timezone=zone)
        assert rows(store, tenant, asked)[0]["retention"] == {"day_1": share}
