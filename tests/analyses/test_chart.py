"""Charts: every question's specification is one that Vega-Lite draws, offline."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import vl_convert

from rollbook.analyses.ask import ask
from rollbook.analyses.catalogue import BY_NAME, question
from rollbook.analyses.chart import SCHEMA, Bars, Heatmap, Line
from rollbook.store import Store
from tests.analyses.subjects import SUBJECT_OF, SUBJECTS
from tests.stories import happened, tell

CHARTED = sorted(name for name, kind in BY_NAME.items() if kind.chart is not None)


def test_there_are_charts() -> None:
    assert {"active_users", "events_by_day", "event_distribution", "activity_heatmap", "retention_curve"} <= set(
        CHARTED
    )


@pytest.mark.parametrize("name", CHARTED)
def test_it_is_drawn_with_what_its_rows_say(store: Store, tenant: str, name: str) -> None:
    tell(store, tenant, [happened("page_view", user, f"2026-03-0{day}T10:00") for user in "ab" for day in (2, 3, 6)])
    tell(store, tenant, [event for subject in SUBJECTS for event in subject.story("a")])
    needed = {"user": "a", "cohort_date": "2026-03-02", "as_of": datetime(2026, 3, 6, 12, tzinfo=UTC)}
    needed = dict(SUBJECT_OF[name].needed.get(name, {})) | needed
    kind = BY_NAME[name]
    asked = question(name, {field: value for field, value in needed.items() if field in kind.model_fields})
    chart = kind.chart
    assert chart is not None
    spec = chart.spec([row.model_dump(mode="json") for row in ask(store, asked, tenant).rows])
    values = spec["data"]["values"]
    assert values
    for channel in spec["encoding"].values():
        assert all(channel["field"] in row for row in values)
    svg = vl_convert.vegalite_to_svg(spec | {"width": 400}, vl_version=SCHEMA.rsplit("/v", 1)[1].split(".")[0] + ".4")
    assert svg.count("role-mark") + svg.count("mark-") > 1


def test_a_list_is_unfolded() -> None:
    rows = [{"day": "2026-03-02", "returned": [1.0, 0.5, None]}, {"day": "2026-03-03", "returned": [0.0, None, None]}]
    spec = Heatmap(x="n", y="day", color="returned", explode="returned", percent=True).spec(rows)
    found = [(row["day"], row["n"], row["returned"]) for row in spec["data"]["values"]]
    assert found == [("2026-03-02", 0, 1.0), ("2026-03-02", 1, 0.5), ("2026-03-03", 0, 0.0)]
    assert spec["encoding"]["color"]["legend"] == {"format": "%"}
    assert {name: channel["type"] for name, channel in spec["encoding"].items()} == {
        "x": "ordinal",
        "y": "ordinal",
        "color": "quantitative",
    }


def test_an_object_is_unfolded_by_the_numbers_in_its_names() -> None:
    rows: list[dict[str, Any]] = [{"retention": {"day_1": 0.5, "day_30": None, "day_7": 0.25}}]
    spec = Line(x="n", y="retention", explode="retention").spec(rows)
    assert [(row["n"], row["retention"]) for row in spec["data"]["values"]] == [(1, 0.5), (7, 0.25)]


def test_titles_and_types_can_be_given() -> None:
    spec = Bars(x="day", y="events", types={"day": "temporal"}, titles={"events": "how many"}).spec([])
    assert spec["encoding"]["x"] == {"field": "day", "type": "temporal", "title": "day"}
    assert spec["encoding"]["y"] == {"field": "events", "type": "quantitative", "title": "how many"}
    assert json.loads(json.dumps(spec)) == spec
