"""Windows of streams: stories with figures worked out by hand, and any events against an oracle."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollbook.analyses.ask import ask
from rollbook.analyses.catalogue import question
from rollbook.analyses.metrics.aggregation import StreamAggregation, states
from rollbook.analyses.question import When
from rollbook.errors import Invalid
from rollbook.store import Store
from tests.analyses.subjects.metrics import sample
from tests.analyses.worlds import World
from tests.oracles import ORACLES
from tests.stories import happened, tell

NOW = datetime(2026, 3, 2, 13, 30, tzinfo=UTC)
HOURLY: dict[str, Any] = {"size": 1, "unit": "hours"}


def windows(store: Store, tenant: str, name: str = "windows", **parameters: Any) -> list[Any]:
    """Ask at half past one."""
    return ask(store, question(name, {"as_of": NOW} | parameters), tenant).rows


def spans(rows: list[Any]) -> list[tuple[str, str, int]]:
    """When each begins and ends, and how many events it holds."""
    return [(f"{row.window_start:%H:%M}", f"{row.window_end:%H:%M}", row.event_count) for row in rows]


def visit(at: str, user: str = "ada", late_seconds: float = 0, **more: Any) -> dict[str, Any]:
    """An event of the 2nd of March that came so long after it happened."""
    moment = datetime.fromisoformat(f"2026-03-02T{at}").replace(tzinfo=UTC)
    return happened("page_view", user, moment, received=moment + timedelta(seconds=late_seconds), **more)


def test_tumbling_windows_follow_each_other(store: Store, tenant: str) -> None:
    tell(store, tenant, [visit("10:00"), visit("10:59:59.999"), visit("11:00"), visit("13:10")])
    rows = windows(store, tenant, **HOURLY)
    assert spans(rows) == [("10:00", "11:00", 2), ("11:00", "12:00", 1), ("13:00", "14:00", 1)]
    assert [row.final for row in rows] == [True, True, False]
    assert [row.late for row in rows] == [0, 0, 0]


def test_sliding_windows_overlap(store: Store, tenant: str) -> None:
    tell(store, tenant, [visit("10:30"), visit("11:00")])
    rows = windows(store, tenant, window_type="sliding", size=60, slide=20, unit="minutes")
    # 10:00 is at the beginning of 10:00-11:00; 11:00 is in none that ends with it
    assert spans(rows) == [
        ("09:40", "10:40", 1),
        ("10:00", "11:00", 1),
        ("10:20", "11:20", 2),
        ("10:40", "11:40", 1),
        ("11:00", "12:00", 1),
    ]


def test_a_session_ends_when_nothing_comes(store: Store, tenant: str) -> None:
    tell(store, tenant, [visit("10:00"), visit("10:29:59.999"), visit("10:59:59.999"), visit("13:20", "bob")])
    rows = windows(store, tenant, "session_windows", size=30, unit="minutes", group_by="user_id")
    assert [(row.tags["user_id"], *span) for row, span in zip(rows, spans(rows), strict=True)] == [
        ("ada", "10:00", "10:59", 2),
        # exactly half an hour later
        ("ada", "10:59", "11:29", 1),
        ("bob", "13:20", "13:50", 1),
    ]
    assert [row.final for row in rows] == [True, True, False]


def test_a_late_event_lands_in_the_window_of_its_time_and_is_told_of(store: Store, tenant: str) -> None:
    tell(store, tenant, [visit("10:10"), visit("10:20", late_seconds=3 * 3600)])
    assert [(row.event_count, row.late) for row in windows(store, tenant, **HOURLY)] == [(2, 1)]
    # it came 2:20 after the window had ended
    graced = windows(store, tenant, grace_period=2 * 3600 + 20 * 60, **HOURLY)
    assert [(row.event_count, row.late, row.final) for row in graced] == [(2, 0, True)]
    longer = windows(store, tenant, grace_period=3 * 3600, **HOURLY)
    assert [(row.event_count, row.late, row.final) for row in longer] == [(2, 0, False)]


def test_a_late_event_joins_two_sessions(store: Store, tenant: str) -> None:
    tell(store, tenant, [visit("10:00"), visit("10:50")])
    parameters: dict[str, Any] = {"size": 30, "unit": "minutes"}
    assert spans(windows(store, tenant, "session_windows", **parameters)) == [
        ("10:00", "10:30", 1),
        ("10:50", "11:20", 1),
    ]
    tell(store, tenant, [visit("10:25", late_seconds=3600)])
    assert spans(windows(store, tenant, "session_windows", **parameters)) == [("10:00", "11:20", 3)]


def test_what_becomes_of_fields(store: Store, tenant: str) -> None:
    tell(
        store,
        tenant,
        [
            visit("10:00", duration=10.0, properties='{"tokens": 5, "plan": "pro"}'),
            visit("10:10", "bob", duration=20.0, properties='{"tokens": 7.5, "plan": "pro"}'),
            visit("10:20", "", properties='{"tokens": "many", "plan": "free"}'),
        ],
    )
    fields = "duration=avg,tokens=sum,active_users=count,score=max"
    (row,) = windows(store, tenant, aggregations=fields, **HOURLY)
    assert row.values == {"duration": 15, "tokens": 12.5, "active_users": 2, "score": None}
    by_plan = windows(store, tenant, group_by="plan", aggregations="tokens=p50", **HOURLY)
    assert [(row.tags, row.values) for row in by_plan] == [
        ({"plan": "free"}, {"tokens": None}),
        ({"plan": "pro"}, {"tokens": 6.25}),
    ]


def test_windows_of_a_metric_by_a_tag(store: Store, tenant: str) -> None:
    tell(store, tenant, [sample("cpu", n, "2026-03-02T10:00", tags={"host": "ab"[n % 2]}) for n in range(1, 6)])
    rows = windows(store, tenant, metric_names="cpu", group_by="host", aggregations="value=sum", **HOURLY)
    assert [(row.tags["host"], row.values["value"]) for row in rows] == [("a", 6), ("b", 9)]
    assert windows(store, tenant, metric_names="ram", **HOURLY) == []


def test_only_windows_that_began_within_retention_are_there(store: Store, tenant: str) -> None:
    tell(store, tenant, [visit("09:10"), visit("09:50"), visit("10:10"), visit("12:00")])
    assert spans(windows(store, tenant, retention=4 * 3600 + 1800, **HOURLY))[0] == ("09:00", "10:00", 2)
    # nine o'clock is a millisecond too early: none of its events is in the answer, not even half a window
    just = ask(
        store, question("windows", HOURLY | {"as_of": NOW + timedelta(milliseconds=1), "retention": 16_200}), tenant
    )
    assert spans(just.rows) == [("10:00", "11:00", 1), ("12:00", "13:00", 1)]
    # the session of ten past nine goes on until ten past ten, and began too early
    late = windows(store, tenant, "session_windows", size=45, unit="minutes", retention=4 * 3600)
    assert spans(late) == [("12:00", "12:45", 1)]


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("windows", {"size": 0}, "size: "),
        ("windows", {"size": 400, "unit": "days"}, "at most 366 days"),
        ("windows", {"size": 1, "window_type": "sliding"}, "sliding windows need slide"),
        ("windows", {"size": 5, "slide": 1}, "tumbling windows do not slide"),
        ("windows", {"size": 1000, "slide": 1, "window_type": "sliding"}, "at most 100 windows may overlap"),
        ("windows", {"size": 1}, "at most 20000 windows"),
        ("windows", {"size": 10, "unit": "hours", "retention": 60}, "retention must be at least"),
        ("windows", {"size": 60, "aggregations": "active_users=avg"}, "active_users can only be counted"),
        ("windows", {"size": 60, "aggregations": "value=median"}, "aggregations.value: "),
        ("session_windows", {"size": 60, "filters": "host"}, "write filters as name=value"),
    ],
)
def test_what_is_no_window_is_refused(name: str, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        question(name, wrong)


def saved(window: dict[str, Any], more: dict[str, Any] | None = None) -> StreamAggregation:
    """A saved aggregation."""
    return StreamAggregation.model_validate({"aggregation_id": "one", "window": window} | (more or {}))


def test_an_aggregation_has_a_state_for_each_window(store: Store, tenant: str) -> None:
    window = {"window_type": "tumbling", "window_size": {"size": 1, "unit": "hours"}, "grace_period": 60}
    more = {"group_by": ["plan"], "aggregations": {"tokens": "sum"}, "filters": {"event_type": "page_view"}}
    one = saved(window, more)
    tell(
        store,
        tenant,
        [
            visit("10:00", properties='{"tokens": 5, "plan": "pro"}'),
            visit("10:30", properties='{"tokens": 6, "plan": "pro"}', late_seconds=9),
            happened("quiz", at="2026-03-02T10:00"),
        ],
    )
    (state,) = states(store, one, tenant, NOW)
    assert state.model_dump() == {
        "state_key": "plan=pro",
        "state_value": {"tokens": 11},
        "window_start": datetime(2026, 3, 2, 10, tzinfo=UTC),
        "window_end": datetime(2026, 3, 2, 11, tzinfo=UTC),
        "last_updated": datetime(2026, 3, 2, 10, 30, 9, tzinfo=UTC),
        "event_count": 2,
        "final": True,
        "late": 0,
    }


def test_an_aggregation_keeps_its_windows_as_long_as_the_setting_says(store: Store, tenant: str) -> None:
    window = {"window_type": "session", "window_size": {"size": 10, "unit": "minutes"}}
    tell(store, tenant, [happened("quiz", at="2026-03-01T13:29:59.999"), happened("quiz", at="2026-03-01T13:50")])
    assert store.settings.window_retention_hours == 24
    assert [state.event_count for state in states(store, saved(window), tenant, NOW)] == [1]
    assert len(states(store, saved(window | {"retention": 2 * 86_400}), tenant, NOW)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"filters": {"user_id": "ada"}},
        {"window": {"window_type": "sliding", "window_size": {"size": 1, "unit": "hours"}}},
        {"window": {"window_type": "hopping", "window_size": {"size": 1, "unit": "hours"}}},
        {"aggregation_id": "a/b"},
        {"aggregations": {"value": "median"}},
    ],
)
def test_what_cannot_be_answered_is_not_saved(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"names no people|sliding windows need|window_type|aggregation_id|value"):
        saved({"window_type": "tumbling", "window_size": {"size": 1, "unit": "hours"}}, wrong)


@st.composite
def crowded(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events close to each other, at the same moments, at the edges of windows, late by a little or a lot."""
    found = []
    for _ in range(draw(st.integers(0, 30))):
        moment = NOW - draw(st.integers(0, 40)) * timedelta(minutes=10) + draw(st.sampled_from((-1, 0, 0, 1))) * MS
        late = draw(st.sampled_from((0, 1, 600_000, 600_001, 3_600_000, 86_400_000)))
        event = happened(draw(st.sampled_from("ab")), draw(st.sampled_from(("ada", "bob"))), moment)
        found.append(event | {"received": moment + late * MS})
    return found


MS = timedelta(milliseconds=1)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False)
@given(told=crowded(), cut=st.integers(0, 30), form=st.sampled_from(("tumbling", "sliding", "session")), data=st.data())
def test_windows_agree_with_the_oracle_whatever_comes_when(
    store: Store, told: list[dict[str, Any]], cut: int, form: str, data: st.DataObject
) -> None:
    parameters: dict[str, Any] = {"size": data.draw(st.sampled_from((10, 20, 30))), "unit": "minutes"}
    parameters["group_by"] = data.draw(st.sampled_from(((), ("user_id",))))
    parameters["grace_period"] = data.draw(st.sampled_from((0, 600)))
    if form == "sliding":
        parameters |= {"window_type": "sliding", "slide": data.draw(st.sampled_from((5, 10, 20, 40)))}
    name = "session_windows" if form == "session" else "windows"
    asked = question(name, parameters | {"as_of": NOW, "retention": 6 * 3600})
    world = World("UTC", NOW, told[:cut], told[cut:], rolled=True)
    tenant = world.happen(store)
    expected = ORACLES[name](asked, world.events, When(tenant, NOW, "UTC"))
    found = [row.model_dump() for row in ask(store, asked, tenant).rows]
    assert [{key: row[key] for key in expected[0]} for row in found] == expected if expected else found == []


def test_too_many_windows_are_refused(store: Store, tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollbook.analyses.metrics.stream.MOST_WINDOWS", 1)
    tell(store, tenant, [visit("10:10"), visit("11:20")])
    with pytest.raises(Invalid, match="more than 1 windows"):
        windows(store, tenant, **HOURLY)
