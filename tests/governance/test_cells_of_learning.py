"""Small cells of the questions about learning, courses and materials: no figure speaks of few learners."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollbook.analyses.ask import ask
from rollbook.analyses.catalogue import BY_NAME, question
from rollbook.governance.cells import is_small
from rollbook.governance.grants import Grant
from rollbook.store import Store
from tests.analyses.subjects import SUBJECT_OF, courses, learning, materials
from tests.analyses.subjects.studying import story
from tests.stories import happened, tell

SUBJECTS = (learning.SUBJECT, courses.SUBJECT, materials.SUBJECT)
GROUPS = [name for subject in SUBJECTS for name in sorted(subject.parameters) if BY_NAME[name].crowd]
# figures that count learners, wherever they stand
COUNTS = ("learners", "people", "graded", "enrolled", "withdrawn", "current", "completed", "passed", "full", "mastered")
_tenants = itertools.count()

# how many learners do how much of the story
worlds = st.lists(st.integers(1, 10), max_size=24)


def answered(store: Store, tenant: str, name: str, grant: Grant) -> list[dict[str, Any]]:
    """The rows."""
    needed = dict(SUBJECT_OF[name].needed.get(name, {}))
    asked = question(name, needed | {"as_of": "2026-02-25T00:00"})
    return [row.model_dump() for row in ask(store, asked, grant).rows]


@pytest.mark.parametrize("name", GROUPS)
@given(worlds)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_figure_is_of_few_learners(store: Store, name: str, much: list[int]) -> None:
    tenant = f"learning-cells-{next(_tenants)}"
    tell(store, tenant, [event for n, steps in enumerate(much) for event in story(f"u{n}")[:steps]])
    exact = answered(store, tenant, name, Grant(tenant))
    shown = answered(store, tenant, name, Grant(tenant, cells=True))
    crowd = BY_NAME[name].crowd
    assert crowd
    assert len(shown) <= len(exact)
    for row in shown:
        small = {field: row[field] for field in COUNTS if row.get(field) is not None and is_small(row[field], None, 5)}
        assert not small, (row, small)
        assert any(all(value in (None, whole[field]) for field, value in row.items()) for whole in exact)


def test_many_learners_are_shown(store: Store, tenant: str) -> None:
    events = [event for n in range(20) for event in story(f"u{n}")[: 3 if n < 10 else 6]]
    tell(
        store,
        tenant,
        [*events, *(happened("content_view", f"v{n}", "2026-02-22T10:00", content="p2") for n in range(9))],
    )
    shown, _ = answered(store, tenant, "page_engagement", Grant(tenant, cells=True))
    assert (shown["content"], shown["learners"], shown["returned"]) == ("p1", 10, None)
