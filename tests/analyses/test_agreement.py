"""Every question agrees with its oracle on any events, in any zone, whatever is rolled up."""

import math
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from rollbook.analyses.ask import ask
from rollbook.analyses.catalogue import BY_NAME, question
from rollbook.analyses.question import When
from rollbook.store import Store
from tests.analyses.subjects import SUBJECT_OF, some_world
from tests.oracles import ORACLES

pytestmark = pytest.mark.slow


def agree(found: Any, expected: Any) -> bool:
    """The same; numbers nearly so, and of a row at least all that the oracle says."""
    if isinstance(expected, dict):
        return set(expected) <= set(found) and all(agree(found[name], value) for name, value in expected.items())
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(agree, found, expected))
    if isinstance(expected, float | Fraction):
        return found is not None and math.isclose(found, expected, rel_tol=1e-9, abs_tol=2e-9)
    return bool(found == expected)


@pytest.mark.parametrize("name", sorted(BY_NAME))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False)
@given(data=st.data())
def test_a_question_agrees_with_its_oracle(store: Store, name: str, data: st.DataObject) -> None:
    world, given_parameters = some_world(data, name)
    asked = question(name, given_parameters | {"as_of": world.now})
    tenant = world.happen(store)
    expected = ORACLES[name](asked, world.events, When(tenant, world.now, asked.timezone or world.zone))
    found = [row.model_dump() for row in ask(store, asked, tenant).rows]
    note(f"found    {found}\nexpected {expected}")
    assert agree(found, expected)


def test_every_question_has_an_oracle() -> None:
    assert set(ORACLES) == set(BY_NAME)
    assert set(SUBJECT_OF) == set(BY_NAME)


def test_agreement_notices_a_difference() -> None:
    assert agree([{"a": 1, "b": 0.1 + 0.2}], [{"b": 0.3}])
    assert not agree([{"a": 1}], [{"a": 2}])
    assert not agree([{"a": 1}], [{"b": 1}])
    assert not agree([{"a": 1}], [])
    assert not agree([{"a": None}], [{"a": 0.0}])
    assert not agree(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
