"""What follows from properties: the same whether the store works it out, an insert says so, or an update does."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rollbook
from rollbook.analyses.gamification import gamification_stats
from rollbook.store import Store
from rollbook.store.asking import conversations
from rollbook.store.erasing.correcting import correct_events
from rollbook.store.intake.derived import COLUMNS, EARNING, TALKING, follow
from rollbook.store.intake.derived import TYPES as TYPES_MEASURED
from tests.stories import happened, tell

NOTHING = {
    "kind": "", "measured": "", "metric": "", "metric_value": 0.0, "metric_type": "", "metric_unit": "",
    "metric_tags": {},
}  # fmt: skip
SAMPLE = {"metric_name": "cpu", "metric_value": 2.5, "metric_type": "counter", "unit": "s", "tags": {"host": "a"}}

VALUES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-9, 9), st.text('ab"\\', max_size=3))
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "metric_name": VALUES,
        "metric_value": VALUES,
        "metric_type": st.one_of(VALUES, st.sampled_from(["counter", "rate"])),
        "unit": VALUES,
        "tags": st.one_of(VALUES, st.dictionaries(st.text("ab", max_size=2), VALUES, max_size=2)),
        "model_provider": VALUES,
        "role": VALUES,
        "page": VALUES,
        "inner": st.just({"metric_name": "within"}),
    },
)
TYPES = st.sampled_from(["view", "api_request", "experiment_exposed", "video_play", *TALKING[:1], *EARNING[:1]])


def held(store: Store, tenant: str) -> dict[str, dict[str, Any]]:
    """The columns of all events of a tenant, by their ids."""
    sql = f"select id, {', '.join(COLUMNS)} from events where tenant = {{tenant:String}}"
    rows = store.engine.query(sql, {"tenant": tenant}, unlimited=True)
    return {row.pop("id"): row for row in rows}


def anew(store: Store, tenant: str) -> dict[str, dict[str, Any]]:
    """The same as an update of the properties would leave them."""
    store.engine.command(
        f"alter table events update {follow('properties')} where tenant = {{tenant:String}}",
        {"tenant": tenant},
        settings={"mutations_sync": 2},
    )
    return held(store, tenant)


def test_nothing_follows_from_what_holds_nothing(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view", id=str(number), properties=json.dumps({"page": "/"})) for number in range(3)])
    assert held(store, tenant) == {str(number): NOTHING for number in range(3)}


def test_a_sample_among_others_has_its_columns(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view", id="a"), happened("view", id="b", properties=json.dumps(SAMPLE))])
    found = held(store, tenant)
    assert found["a"] == NOTHING
    measured = found["b"].pop("measured")
    assert json.loads(measured) == SAMPLE
    assert found["b"] == {
        "kind": "system_metric", "metric": "cpu", "metric_value": 2.5, "metric_type": "counter", "metric_unit": "s",
        "metric_tags": {"host": "a"},
    }  # fmt: skip


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(TYPES, PROPERTIES, st.sampled_from(["", "talk"])), min_size=1, max_size=40), st.uuids())
def test_inserts_and_updates_agree(store: Store, told: list[tuple[str, dict[str, Any], str]], name: object) -> None:
    tenant = f"derived-{name}"
    tell(
        store,
        tenant,
        [
            happened(type, id=str(at), properties=json.dumps(text), conversation=talk)
            for at, (type, text, talk) in enumerate(told)
        ],
    )
    assert anew(store, tenant) == held(store, tenant)


def test_what_is_corrected_follows(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view", id="a", properties=json.dumps(SAMPLE)), happened("view", id="b")])
    right = [
        {"event_id": "a", "properties": {"metric_value": 7, "tags": {"host": "b"}}},
        {"event_id": "b", "properties": {"metric_name": "ram", "metric_value": 1}},
    ]
    assert correct_events(store, tenant, ["ada"], right) == 2
    found = held(store, tenant)
    assert (found["a"]["metric_value"], found["a"]["metric_tags"]) == (7.0, {"host": "b"})
    assert (found["b"]["metric"], found["b"]["metric_type"]) == ("ram", "gauge")


def test_what_is_said_is_a_conversation(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view", id="a", conversation="talk"), happened(TALKING[0], id="b"), happened("view")])
    assert sorted(row["kind"] for row in held(store, tenant).values()) == ["", "conversation", "conversation"]


def test_the_lists_of_types_are_those_of_the_questions() -> None:
    said = {*conversations.SENT, *conversations.RECEIVED, *conversations.COACH}
    assert set(TALKING) == said | {name.upper() for name in said}
    assert str(EARNING) == gamification_stats.PLAYS


@pytest.mark.parametrize("type", TYPES_MEASURED)
def test_requests_exposures_and_videos_keep_their_properties_once_more(store: Store, tenant: str, type: str) -> None:
    at = datetime(2026, 3, 2, 10, tzinfo=UTC)
    tell(store, tenant, [happened(type, id="a", at=at, properties=json.dumps({"path": "/a"}))])
    assert json.loads(held(store, tenant)["a"]["measured"]) == {"path": "/a"}


def test_whoever_changes_properties_says_what_follows() -> None:
    texts = [path.read_text("utf-8") for path in Path(rollbook.__file__).parent.rglob("*.py")]
    changing = [text for text in texts if re.search(r"alter table \S+ update|f\"update ", text)]
    assert len(changing) == 2
    assert all("follow(" in text for text in changing)
