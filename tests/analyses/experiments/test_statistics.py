"""The statistics of experiments, against published values, closed forms and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollbook.analyses.experiments import bayes, shares
from rollbook.analyses.experiments.comparing import Sample, classes, holm, means, proportions, ratio
from rollbook.analyses.experiments.distributions import (
    beta_below,
    chi_square_above,
    gamma_above,
    t_quantile,
    t_two_sided,
    two_sided,
)
from rollbook.analyses.experiments.sequential import always


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (two_sided(1.959963984540054), 0.05),
        (t_quantile(0.975, 1), 12.706204736174694),
        (t_quantile(0.975, 10), 2.2281388519649385),
        (t_two_sided(2.2281388519649385, 10), 0.05),
        # Cauchy's: 1 - 2 atan(t) / pi
        (t_two_sided(3.0, 1), 1 - 2 * math.atan(3) / math.pi),
        (chi_square_above(3.841458820694124, 1), 0.05),
        (chi_square_above(18.307038053275146, 10), 0.05),
        # of two degrees it is exponential
        (chi_square_above(1.0, 2), math.exp(-0.5)),
        (chi_square_above(50.0, 2), math.exp(-25)),
        (gamma_above(2.0, 1.0), math.exp(-2)),
        # 1 - 4(1/2)^3 (1/2) - (1/2)^4: three or more of four
        (beta_below(0.5, 2, 3), 0.6875),
        (beta_below(0.9, 1, 1), 0.9),
        (beta_below(0.5, 1e5, 1e5), 0.5),
    ],
)
def test_distributions_have_the_values_of_the_tables(found: float, expected: float) -> None:
    assert found == pytest.approx(expected, rel=1e-9)


@given(st.floats(0.01, 0.99), st.integers(1, 40), st.integers(1, 40))
def test_the_beta_function_adds_up_binomials(x: float, a: int, b: int) -> None:
    n = a + b - 1
    summed = sum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))
    assert beta_below(x, a, b) == pytest.approx(summed, rel=1e-9, abs=1e-12)


def test_newcombes_own_example() -> None:
    # 56 of 70 against 48 of 80 (Newcombe 1998, table II a, method 10)
    found = proportions((48, 80), (56, 70), 0.05)
    assert found is not None
    assert found.difference == pytest.approx(0.2)
    assert [found.low, found.high] == pytest.approx([0.0524, 0.3339], abs=5e-5)
    # pooled 104/150: z = 0.2 / sqrt(0.69333 x 0.30667 x (1/70 + 1/80)) = 2.6502
    assert found.p_value == pytest.approx(two_sided(2.65017), rel=1e-4)


def sample(values: list[float]) -> Sample:
    """What is known of these values."""
    return Sample(len(values), sum(values), sum(value * value for value in values))


def test_welch_by_a_published_example() -> None:
    # Wikipedia, Welch's t-test, first example: t = -2.46, 25.0 degrees of freedom, p = 0.021
    a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4]
    b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4]
    found = means(sample(a), sample(b), 0.05)
    assert found is not None
    assert found.difference / math.sqrt(found.variance) == pytest.approx(2.46, abs=0.005)
    assert found.p_value == pytest.approx(0.021, abs=0.0005)
    assert found.low < found.difference < found.high
    assert means(sample([1.0]), sample(b), 0.05) is None
    same = means(sample([2.0, 2.0]), sample([3.0, 3.0]), 0.05)
    assert same is not None
    assert (same.difference, same.p_value) == (1.0, 1.0)


def test_the_variance_between_classes_by_hand() -> None:
    # classes of 2 and 2 with sums 2 and 0: mean 1/2, residuals 1 and -1, so 2/1 x 2 / 16
    assert ratio([(2, 2), (0, 2)]) == (0.5, 0.25)
    found = classes([(2, 2), (0, 2)], [(4, 4), (2, 4)], 0.05)
    assert found is not None
    # of the variant: mean 3/4, residuals 1 and -1, 2/1 x 2 / 64 = 1/16
    assert (found.difference, found.variance) == (0.25, 0.3125)
    assert found.p_value == pytest.approx(t_two_sided(0.25 / math.sqrt(0.3125), 2))
    assert classes([(2, 2)], [(4, 4), (2, 4)], 0.05) is None


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_the_ratio_check_by_a_published_example() -> None:
    # 821,588 against 815,482 (Kohavi, Tang and Xu 2020, chapter 21): p = 1.8e-6
    counts, meant = {"control": 821_588, "b": 815_482}, {"control": 1.0, "b": 1.0}
    p_value = shares.ratio_p_value(counts, meant)
    assert p_value == pytest.approx(1.8e-6, rel=0.05)
    assert "control 50.2% instead of 50.0%" in (shares.warning(counts, meant, p_value) or "")
    assert shares.warning(counts, meant, 0.001) is None
    assert shares.ratio_p_value({"a": 10, "b": 20}, {"a": 1, "b": 2}) == 1.0
    assert shares.ratio_p_value({"a": 10, "b": 0}, {"a": 1, "b": 1}) == pytest.approx(0.00157, abs=1e-5)
    assert shares.ratio_p_value({"a": 10, "c": 1}, {"a": 1}) == 0.0
    assert shares.ratio_p_value({"a": 10}, {"a": 1}) is None


def better(a: tuple[int, int], b: tuple[int, int]) -> float:
    """How likely b's rate is over a's, in closed form (Miller 2015): a sum over b's successes."""
    (s_a, n_a), (s_b, n_b) = a, b
    alpha_a, beta_a, alpha_b, beta_b = 1 + s_a, 1 + n_a - s_a, 1 + s_b, 1 + n_b - s_b

    def log_beta(x: float, y: float) -> float:
        return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)

    return sum(
        math.exp(
            log_beta(alpha_a + i, beta_a + beta_b)
            - math.log(beta_b + i)
            - log_beta(1 + i, beta_b)
            - log_beta(alpha_a, beta_a)
        )
        for i in range(alpha_b)
    )


@given(st.integers(1, 400), st.integers(1, 400), st.floats(0, 1), st.floats(0, 1))
@settings(deadline=None, max_examples=50)
def test_the_probability_to_be_best_is_that_of_the_closed_form(n: int, m: int, p: float, q: float) -> None:
    a, b = (round(p * n), n), (round(q * m), m)
    assert bayes.best_rate([a, b])[1] == pytest.approx(better(a, b), abs=1e-5)


def test_the_probability_to_be_best_of_several() -> None:
    assert bayes.best_rate([(10, 100)] * 4) == pytest.approx([0.25] * 4)
    # a normal difference of 1 with standard error sqrt(2): P = Phi(1 / sqrt 2)
    assert bayes.best_normal([0.0, 1.0], [1.0, 1.0])[1] == pytest.approx(0.7602499389, abs=1e-6)
    assert bayes.best_mean([Sample(1, 1, 1), Sample(5, 5, 9)]) is None


def test_the_interval_for_peeking_by_hand() -> None:
    alpha, planned, size, difference, variance = 0.05, 1000, 500, 0.1, 0.001
    rho = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / planned
    found = always(difference, variance, size, planned=planned, alpha=alpha)
    assert found is not None
    # the form of the paper, s^2 = n V
    n, s2 = size, size * variance
    reach = math.sqrt(s2 * 2 * (n * rho + 1) / (n**2 * rho) * math.log(math.sqrt(n * rho + 1) / alpha))
    assert [found.low, found.high] == pytest.approx([0.1 - reach, 0.1 + reach])
    # where the interval just touches 0, the p-value is alpha
    edge = always(reach, variance, size, planned=planned, alpha=alpha)
    assert edge is not None
    assert edge.low == pytest.approx(0, abs=1e-12)
    assert edge.p_value == pytest.approx(alpha)
    assert always(0.0, 0.0, 10, planned=planned, alpha=alpha) is None


def test_whoever_peeks_is_not_fooled() -> None:
    """Two equal variants, looked at after every 50 people up to 5,000: how often is a difference seen at any look?"""
    chance, runs, step, looks = np.random.default_rng(20261125), 1000, 25, 100
    grown = [np.cumsum(chance.binomial(step, 0.3, (runs, looks)), axis=1) for _ in range(2)]
    fooled, fooled_by_z = np.zeros(runs, bool), np.zeros(runs, bool)
    for look in range(looks):
        n = step * (look + 1)
        for run in range(runs):
            a, b = int(grown[0][run, look]), int(grown[1][run, look])
            found = proportions((a, n), (b, n), 0.05)
            assert found is not None
            fooled_by_z[run] |= found.p_value < 0.05
            known = always(found.difference, found.variance, 2 * n, planned=1000, alpha=0.05) if n >= 50 else None
            fooled[run] |= known is not None and known.p_value < 0.05
    assert fooled_by_z.mean() > 0.25
    # 0.05, and three standard errors of the simulation
    assert fooled.mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_a_real_difference_is_seen_by_who_peeks() -> None:
    chance, seen = np.random.default_rng(7), 0
    for _ in range(200):
        a, b = chance.binomial(1000, 0.3), chance.binomial(1000, 0.4)
        found = proportions((int(a), 1000), (int(b), 1000), 0.05)
        assert found is not None
        known = always(found.difference, found.variance, 2000, planned=2000, alpha=0.05)
        seen += known is not None and known.low > 0
    assert seen / 200 > 0.9


def test_where_classes_were_assigned_people_of_one_are_alike() -> None:
    """Twenty classes of thirty a side, without an effect, but with classes that differ: who is fooled how often?"""
    chance, runs, fooled, fooled_by_people = np.random.default_rng(11), 600, 0, 0
    for _ in range(runs):
        sides = []
        for _ in range(2):
            rates = chance.beta(3, 7, 20)
            sides.append([(float(chance.binomial(30, rate)), 30.0) for rate in rates])
        found = classes(sides[0], sides[1], 0.05)
        assert found is not None
        fooled += found.p_value < 0.05
        counts = [(int(sum(one[0] for one in side)), 600) for side in sides]
        by_people = proportions(counts[0], counts[1], 0.05)
        assert by_people is not None
        fooled_by_people += by_people.p_value < 0.05
    assert fooled_by_people / runs > 0.2
    assert abs(fooled / runs - 0.05) <= 3 * math.sqrt(0.05 * 0.95 / runs)
