"""Benchmarks over HTTP: against the own past, and against others, none of whom can be told."""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.analyses.benchmarks import comparing
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from tests.delivery.serving import serve
from tests.stories import happened, tell

AS_OF = "2026-03-29T12:00:00Z"
_numbers = itertools.count()


def school(store: Store, people: int, events: int, *, tenant: str = "", shares: bool = True) -> str:
    """A tenant of so many people, each with so many events in the last week."""
    tenant = tenant or f"school-{next(_numbers)}"
    tell(
        store,
        tenant,
        [
            happened("seen", f"u{n}", datetime(2026, 3, 24, m) + timedelta(minutes=n))
            for n in range(people)
            for m in range(events)
        ],
    )
    tenants_of(store).change(tenant, share_benchmarks=shares)
    return tenant


def asked(store: Store, tenant: str, **more: Any) -> dict[str, Any]:
    """The report, its benchmarks by metric."""
    answer = serve(store).get("/api/v2/benchmarks", params={"tenant_id": tenant, "as_of": AS_OF, "days": 7} | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found | {one["metric"]: one for one in found["benchmarks"]}


def test_the_own_past(store: Store, tenant: str) -> None:
    weeks = ((26, 4), (19, 2), (12, 3), (5, 1))  # a day of the week, and how many came
    told = [happened("seen", f"u{n}", f"2026-03-{day:02}T10:00") for day, people in weeks for n in range(people)]
    tell(store, tenant, [*told, happened("seen", "today", "2026-03-29T10:00")])
    found = asked(store, tenant, periods=3)
    assert (found["begin"], found["end"], found["others_state"]) == ("2026-03-22", "2026-03-28", "not_shared")
    people = found["people"]
    assert (people["value"], people["previous"], people["change"]) == (4, 2, 1.0)
    # of 2, 3 and 1: the median 2, the quartiles halfway
    assert people["past"] == {
        "count": 3, "lower_quartile": 1.5, "median": 2.0, "upper_quartile": 2.5, "standing": "above",
    }  # fmt: skip
    assert (found["return_rate"]["value"], found["return_rate"]["previous"]) == (1.0, pytest.approx(2 / 3))
    assert found["error_rate"]["value"] is None


def test_others_are_shown_only_where_five_agreed_and_as_no_ones_figure(store: Store, tenant: str) -> None:
    school(store, 20, 3, tenant=tenant)
    for_nothing = [school(store, 19, 9), school(store, 20, 9, shares=False)]
    agreed = [school(store, 20, events) for events in (1, 2, 4, 8)]
    assert asked(store, tenant)["others_state"] == "too_few"
    agreed.append(school(store, 20, 16))
    found = asked(store, tenant)
    assert found["others_state"] == "shown"
    others = found["events_per_person"]["others"]
    assert (others["count"], others["standing"]) == (5, "usual")
    assert not {others["lower_quartile"], others["median"], others["upper_quartile"]} & {1, 2, 4, 8, 16}
    assert found["people"]["others"] is None
    assert not any(name in str(found) for name in (*agreed, *for_nothing))
    # whoever does not share sees nothing, and whoever leaves is gone at once
    assert asked(store, for_nothing[1])["others_state"] == "not_shared"
    tenants_of(store).change(agreed[0], share_benchmarks=False)
    assert asked(store, tenant)["others_state"] == "too_few"
    for name in agreed:
        tenants_of(store).change(name, share_benchmarks=False)


@given(st.lists(st.floats(0.5, 100), min_size=5, max_size=30, unique=True))
def test_quartiles_of_others_lie_in_order_within_them(values: list[float]) -> None:
    spread = comparing.others(values)
    assert spread is not None
    assert spread.lower <= spread.median <= spread.upper
    # to two digits
    assert min(values) * 0.94 <= spread.lower
    assert spread.upper <= max(values) * 1.06
    assert comparing.others(values[:4]) is None


def test_a_known_value_of_harrell_and_davis() -> None:
    # of 1 … 9 the median is 5 by symmetry, the quartiles mirror each other
    spread = comparing.others([float(n) for n in range(1, 10)])
    assert spread is not None
    assert spread.median == 5
    assert spread.lower + spread.upper == pytest.approx(10)


@pytest.mark.parametrize("wrong", [{"days": 0}, {"periods": 24}, {"as_of": "soon"}])
def test_what_cannot_be_compared_is_refused(store: Store, tenant: str, wrong: dict[str, Any]) -> None:
    given_parameters = {"tenant_id": tenant} | wrong
    assert serve(store).get("/api/v2/benchmarks", params=given_parameters).status_code == 422


def test_health_by_component(store: Store) -> None:
    found = serve(store).get("/api/v2/health")
    assert found.status_code == 200
    assert found.json()["status"] == "healthy"
    assert found.json()["components"]["events"] == {"status": "healthy", "detail": None}
    away = serve(None).get("/api/v2/health")
    assert (away.status_code, away.json()["status"]) == (503, "unhealthy")
    assert away.json()["components"]["store"]["detail"] == "not open yet"
