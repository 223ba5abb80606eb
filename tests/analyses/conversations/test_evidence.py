"""Statistics against published examples and tables, and what must hold whatever the numbers are."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.analyses.conversations.evidence import (
    Sample,
    discoveries,
    of_means,
    of_shares,
    t_quantile,
    t_two_sided,
    unlike,
    wilson,
)

close: Any = pytest.approx


def test_newcombes_example() -> None:
    # Newcombe 1998, table II, method 10: 56/70 against 48/80
    found = of_shares(56, 70, 48, 80)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


def test_wilsons_interval() -> None:
    # Newcombe 1998: 81/263 and 15/148
    assert wilson(81, 263) == (close(0.2553, abs=5e-5), close(0.3662, abs=5e-5))
    assert wilson(15, 148) == (close(0.0624, abs=5e-5), close(0.1605, abs=5e-5))
    assert wilson(0, 20)[0] == 0.0


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.7062), (2, 4.3027), (5, 2.5706), (10, 2.2281), (30, 2.0423), (120, 1.9799)]
)
def test_the_table_of_students_t(freedom: float, quantile: float) -> None:
    assert t_quantile(0.95, freedom) == close(quantile, abs=5e-5)
    assert t_two_sided(quantile, freedom) == close(0.05, abs=1e-5)


@pytest.mark.parametrize(
    ("freedom", "square", "p_value"), [(1, 3.841, 0.05), (6, 12.592, 0.05), (23, 35.172, 0.05), (10, 2.558, 0.99)]
)
def test_the_table_of_chi_square(freedom: int, square: float, p_value: float) -> None:
    # one count is off by so much; the others are as expected
    counts = [100 + math.sqrt(square * 100)] + [100.0] * freedom
    assert unlike(counts, [100.0] * (freedom + 1)) == close(p_value, abs=1e-4)


def test_welchs_test() -> None:
    # by hand: error = sqrt(4/10 + 9/15) = 1, freedom = 1 / (0.16/9 + 0.36/14) = 23.0, t = 2
    found = of_means(Sample(10, 12.0, 4.0), Sample(15, 10.0, 9.0))
    assert found is not None
    assert found.value == 2.0
    assert found.p_value == close(0.0574, abs=1e-4)
    assert (found.low, found.high) == (close(2 - 2.0687, abs=1e-3), close(2 + 2.0687, abs=1e-3))
    assert of_means(Sample(1, 1.0, 0.0), Sample(9, 2.0, 1.0)) is None
    assert of_means(Sample(5, 1.0, 0.0), Sample(9, 2.0, 0.0)) is None


def test_benjamini_and_hochbergs_example() -> None:
    # their paper of 1995, table: 15 hypotheses, four of which are rejected at q = 0.05
    p = [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262),
        *(0.5719, 0.6528, 0.7590, 1.0),
    ]
    assert [value < 0.05 for value in discoveries(p)] == [True] * 4 + [False] * 11
    assert discoveries([]) == []


@given(st.lists(st.floats(0, 1), max_size=30))
def test_correction_never_lowers_a_p_value_and_keeps_the_order(p_values: list[float]) -> None:
    found = discoveries(p_values)
    assert all(p - 1e-12 <= adjusted <= 1 for p, adjusted in zip(p_values, found, strict=True))
    pairs = sorted(zip(p_values, found, strict=True))
    assert [adjusted for _, adjusted in pairs] == sorted(found)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.data())
def test_a_difference_lies_in_its_interval(whole: int, other: int, data: st.DataObject) -> None:
    found = of_shares(data.draw(st.integers(0, whole)), whole, data.draw(st.integers(0, other)), other)
    assert found.low - 1e-12 <= found.value <= found.high + 1e-12
    assert 0 <= found.p_value <= 1
    assert -1 - 1e-12 <= found.low <= found.high <= 1 + 1e-12


@given(st.floats(-50, 50), st.floats(1, 1e7))
def test_students_t_is_symmetric_and_flatter_than_the_normal(t: float, freedom: float) -> None:
    p_value = t_two_sided(t, freedom)
    assert p_value == t_two_sided(-t, freedom)
    assert math.erfc(abs(t) / math.sqrt(2)) - 1e-7 <= p_value <= 1 + 1e-12
