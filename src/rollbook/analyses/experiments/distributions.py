"""Distributions that tests of experiments need: normal, Student's t, chi-square, beta.

The incomplete beta and gamma functions are worked out by continued fractions and series (Abramowitz and Stegun 26.5.8,
6.5.29, 6.5.31; evaluated by Lentz's method), to about 1e-12.
"""

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist

TINY = 1e-300
PRECISE = 1e-15
MOST_STEPS = 100_000
NORMAL = NormalDist()


def two_sided(z: float) -> float:
    """How likely a standard normal value is at least so far from 0."""
    return math.erfc(abs(z) / math.sqrt(2))


def t_two_sided(t: float, freedom: float) -> float:
    """How likely Student's t is at least so far from 0."""
    return beta_below(freedom / (freedom + t * t), freedom / 2, 0.5)


def t_quantile(level: float, freedom: float) -> float:
    """Where Student's t stays below with this probability, over 0.5; by halving."""
    high = 2.0
    while 1 - t_two_sided(high, freedom) / 2 < level:
        high *= 2
    low = 0.0
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - t_two_sided(middle, freedom) / 2 < level else (low, middle)
    return (low + high) / 2


def chi_square_above(x: float, freedom: int) -> float:
    """How likely chi-square is at least so much."""
    return 1.0 if x <= 0 else gamma_above(x / 2, freedom / 2)


def beta_below(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function: how likely Beta(a, b) is at most x."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_below(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a

    def terms() -> Iterator[float]:
        m = 0
        while True:
            if m:
                yield m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            m += 1

    return front / _fraction(terms(), lambda _: 1.0)


def gamma_above(x: float, a: float) -> float:
    """The regularised upper incomplete gamma function."""
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term, total, n = 1 / a, 1 / a, a
        while abs(term) > PRECISE * abs(total):
            n += 1
            term *= x / n
            total += term
        return 1 - front * total

    def terms() -> Iterator[float]:
        n = 1
        while True:
            yield -n * (n - a)
            n += 1

    return front / _fraction(terms(), lambda n: x + 2 * n + 1 - a, x + 1 - a)


def _fraction(numerators: Iterator[float], denominator: Callable[[int], float], first: float = 1.0) -> float:
    """first + n1/(d1 + n2/(d2 + …)), by Lentz's method."""
    found = first or TINY
    c, d = found, 0.0
    for step, numerator in zip(range(1, MOST_STEPS), numerators, strict=False):
        d = 1 / (denominator(step) + numerator * d or TINY)
        c = denominator(step) + numerator / c or TINY
        found *= c * d
        if abs(c * d - 1) < PRECISE:
            break
    return found
