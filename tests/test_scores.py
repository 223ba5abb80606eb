"""Scores: every form on one scale of 0 to 100, and nothing for what cannot be scaled."""

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollbook.scores import scaled


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"score": 85}, 85),
        ({"score": " 85.5 "}, 85.5),
        ({"score": 0}, 0),
        ({"score": 100}, 100),
        ({"score": 100.5}, None),
        ({"score": -0.5}, None),
        ({"score": "many"}, None),
        ({"score": True}, None),
        ({"score": [85]}, None),
        ({"score": math.inf}, None),
        # a plain number with its maximum
        ({"score": 8, "max_score": 10}, 80),
        ({"score": 8, "maxScore": "10"}, 80),
        ({"score": 15, "max_score": 20, "min_score": 10}, 50),
        ({"score": 12, "max_score": 10}, None),
        ({"score": 0, "max_score": 0}, None),
        # xAPI
        ({"score": {"scaled": 0.57}}, 57),
        ({"score": {"scaled": 0.57, "raw": 3, "min": 0, "max": 4}}, 57),
        ({"score": {"scaled": -0.2}}, None),
        ({"score": {"scaled": 1.2}}, None),
        ({"score": {"scaled": "x", "raw": 3, "max": 4}}, None),
        ({"score": {"raw": 3, "min": 1, "max": 5}}, 50),
        ({"score": {"raw": 3, "max": 4}}, 75),
        ({"score": {"raw": 3}}, None),
        ({"score": {"raw": 3, "min": 5, "max": 1}}, None),
        ({"score": {"raw": 7, "min": 1, "max": 5}}, None),
        ({"score": {"max": 5}}, None),
        ({"score": {}}, None),
        ({"result": {"score": {"scaled": 0.9}, "success": True}}, 90),
        ({"result": "Pass"}, None),
        ({"score": 10, "result": {"score": {"scaled": 0.9}}}, 10),
        # Caliper, and LTI
        ({"scoreGiven": 15, "maxScore": 20}, 75),
        ({"scoreGiven": 15, "scoreMaximum": 20}, 75),
        ({"scoreGiven": 15}, None),
        ({"scoreGiven": 25, "maxScore": 20}, None),
        ({"score": {"scoreGiven": 15, "maxScore": 20}}, 75),
        ({"generated": {"type": "Score", "scoreGiven": 1, "maxScore": 4}}, 25),
        ({"generated": {"scoreGiven": 1}}, None),
        ({"maxScore": 20}, None),
        ({"score": None}, None),
        ({}, None),
    ],
)
def test_every_form_has_its_place(properties: dict[str, Any], expected: float | None) -> None:
    assert scaled(properties) == expected


numbers = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just("1e308")
objects = st.dictionaries(st.sampled_from(("scaled", "raw", "min", "max", "scoreGiven", "maxScore")), numbers)
anything = st.dictionaries(
    st.sampled_from(("score", "result", "generated", "scoreGiven", "maxScore", "scoreMaximum", "max_score")),
    numbers | objects | st.fixed_dictionaries({"score": numbers | objects}),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(anything)
def test_a_score_is_from_0_to_100_or_nothing(properties: dict[str, Any]) -> None:
    found = scaled(properties)
    assert found is None or 0 <= found <= 100


@given(st.integers(0, 1000), st.integers(1, 1000), st.integers(-50, 50))
def test_raw_and_scaled_and_given_agree(points: int, most: int, least: int) -> None:
    points = min(points, most)
    same: list[dict[str, Any]] = [
        {"score": {"raw": points + least, "min": least, "max": most + least}},
        {"scoreGiven": points, "maxScore": most},
        {"score": {"scaled": points / most}},
        {"score": points, "max_score": most},
    ]
    found = [scaled(one) for one in same]
    assert all(one is not None and math.isclose(one, points / most * 100, abs_tol=1e-9) for one in found)
