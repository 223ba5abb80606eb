"""Quality: worked out by hand; with what was refused and what came twice; by whom it may be seen."""

import itertools
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollbook.analyses.ask import ask
from rollbook.analyses.catalogue import question
from rollbook.analyses.quality.data_quality import DataQuality
from rollbook.analyses.quality.schema_problems import SchemaProblems
from rollbook.analyses.question import When
from rollbook.governance.definitions import definitions_of
from rollbook.governance.grants import Grant
from rollbook.governance.tenants import tenants_of
from rollbook.ingest.intake import Intake
from rollbook.store import Store
from rollbook.store.intake import not_taken
from rollbook.store.intake.not_taken import quarter_of
from tests.analyses.subjects import some_world
from tests.analyses.test_agreement import agree
from tests.oracles.quality import data_quality
from tests.stories import happened, tell

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
_tenants = itertools.count()


def seen(user: str = "ada", **more: Any) -> dict[str, Any]:
    """An event of the web, received as it happened."""
    return happened("page_view", user, AT, source="web", received=AT) | more


def test_a_day_worked_out_by_hand(store: Store, tenant: str) -> None:
    marked = json.dumps({"context": {"problems": ["score: bad"]}})
    events = [seen() for _ in range(5)] + [
        seen(""),
        seen(properties=marked),
        seen(received=AT + timedelta(hours=2)),
        seen(received=AT - timedelta(minutes=2), score=120.0),
        seen(type="Page-View"),
    ]
    tell(store, tenant, [*events, seen(source="app")])
    quarter = quarter_of(AT)
    lost = {(tenant, quarter, "web", "invalid_schema"): 5, (tenant, quarter, "web", "duplicate"): 10}
    not_taken.add(store.engine, lost)
    whole, app, web = ask(store, DataQuality(as_of=AT + timedelta(hours=9), days=2), tenant).rows
    assert (whole.day, whole.source, whole.events, whole.refused, whole.duplicates) == (
        date(2026, 3, 2),
        None,
        11,
        5,
        10,
    )
    assert (app.source, app.score, app.lowered_by) == ("app", 100.0, [])
    assert (web.source, web.events, web.refused, web.duplicates) == ("web", 10, 5, 10)
    # 9 of 15; 9 of 10 have a user; 9 of 10 in time; 10 of 20; all but the odd spelling and the one of the future
    assert (web.validity, web.completeness, web.timeliness) == (60.0, 90.0, 90.0)
    assert (web.uniqueness, web.consistency, web.score) == (50.0, 80.0, 74.0)
    assert web.lowered_by is not None
    assert [(one.reason, one.detail, one.events) for one in web.lowered_by] == [
        ("duplicate", "", 10),
        ("invalid_schema", "", 5),
        ("no_user", "", 1),
        ("clock_ahead", "", 1),
        ("score_outside", "", 1),
        ("spelling", "Page-View", 1),
        ("late", "", 1),
        ("invalid", "page_view", 1),
    ]


REASONS = st.sampled_from(("duplicate", "invalid_schema", "not_json"))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_with_what_was_not_taken(store: Store, data: st.DataObject) -> None:
    world, given_parameters = some_world(data, "data_quality")
    tenant = world.happen(store)
    lost = data.draw(st.lists(st.tuples(st.integers(0, 6 * 24 * 4), st.sampled_from(("", "app")), REASONS), max_size=6))
    counts = Counter(
        (tenant, quarter_of(world.now - back * timedelta(minutes=15)), source, reason) for back, source, reason in lost
    )
    not_taken.add(store.engine, counts)
    told = [
        {"timestamp": at, "source": source, "reason": reason}
        for (_, at, source, reason), events in counts.items()
        for _ in range(events)
    ]
    asked = DataQuality(as_of=world.now, **given_parameters)
    expected = data_quality(asked, [*world.events, *told], When(tenant, world.now, asked.timezone or world.zone))
    found = ask(store, asked, tenant).rows
    assert agree([row.model_dump() for row in found], expected)
    # they are nobody's: who sees some people only sees none of it
    part = ask(store, asked, Grant(tenant, users=("ada",))).rows
    assert not sum(row.refused + row.duplicates for row in part)


def test_the_way_in_counts_what_it_does_not_take(store: Store, tenant: str) -> None:
    intake = Intake(store)
    tenants_of(store).create(tenant, pseudonyms=False, event_checks="strict")
    definitions_of(store).define(tenant, "quiz", {"required": ["score"]})
    good = {"event_type": "quiz", "user_id": "ada", "event_id": "e1", "source_service": "app", "metadata": {"score": 1}}
    bad = good | {"event_id": "e2", "metadata": {}}
    for _ in range(3):
        intake.take_now(json.dumps([good, bad, {"event_type": ""}]).encode(), "native", tenant)
    intake.close()
    whole, nowhere, app = ask(store, DataQuality(days=2), tenant).rows[-3:]
    assert (whole.events, whole.refused, whole.duplicates) == (1, 6, 2)
    assert (nowhere.source, nowhere.events, nowhere.refused, nowhere.duplicates) == ("", 0, 3, 0)
    assert (app.source, app.events, app.refused, app.duplicates) == ("app", 1, 3, 2)
    assert app.validity == 25.0


def test_analysts_see_groups_without_reasons(store: Store, tenant: str) -> None:
    others = [seen(f"v{n}", timestamp=AT - timedelta(days=1)) for n in range(12)]
    few = [seen(f"u{n}", source="app") for n in range(3)]
    tell(store, tenant, [*others, *(seen(f"u{n}") for n in range(12)), *few])
    grant = Grant(tenant, cells=True)
    answered = ask(store, DataQuality(as_of=datetime(2026, 3, 4, tzinfo=UTC)), grant)
    assert [(row.source, row.events, row.lowered_by) for row in answered.rows] == [
        (None, 12, None),
        ("web", 12, None),
        (None, 15, None),
        ("web", 12, None),
    ]
    assert answered.withheld == 1
    assert ask(store, SchemaProblems(), grant).rows == []


def test_what_is_expected_may_be_named_with_commas(store: Store, tenant: str) -> None:
    tell(store, tenant, [seen(course="c1"), seen("")])
    asked = question("data_quality", {"as_of": AT + timedelta(hours=1), "expected": "user, course"})
    (whole, _) = ask(store, asked, tenant).rows
    assert whole.completeness == 50.0


def test_a_source_alone_is_as_in_the_whole(store: Store, tenant: str) -> None:
    tell(store, tenant, [seen(), seen(source="app"), seen("", source="app")])
    asked = DataQuality(as_of=AT + timedelta(hours=1))
    of_all = ask(store, asked, tenant).rows
    alone = ask(store, asked.model_copy(update={"source": "app"}), tenant).rows
    assert alone[1] == of_all[1]
    assert alone[0].model_dump(exclude={"source"}) == alone[1].model_dump(exclude={"source"})
