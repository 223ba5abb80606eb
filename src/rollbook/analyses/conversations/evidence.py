"""Evidence: whether a difference is more than chance, with its interval, and corrected for how many were looked at.

Sources: Wilson 1927, Newcombe 1998 (method 10) for shares; Welch 1947 for means; Benjamini and Hochberg 1995. The
incomplete beta and gamma functions are continued fractions and series of Abramowitz and Stegun (26.5.8, 6.5.29).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z95 = 1.959963984540054
CERTAIN = 0.95
# of variances: what is less is rounding
TINY = 1e-12
_MOST_STEPS = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference, its 95 % interval, and how likely one at least as large is by chance."""

    value: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Sample:
    """So many values, their mean and their variance (over n - 1)."""

    size: int
    mean: float
    variance: float


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The 95 % interval of a share. `whole` is not 0."""
    share, z = part / whole, Z95
    middle, spread = share + z * z / (2 * whole), z * math.sqrt(share * (1 - share) / whole + (z / (2 * whole)) ** 2)
    scale = 1 + z * z / whole
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def of_shares(part: int, whole: int, other_part: int, other_whole: int) -> Difference:
    """The first share less the other: pooled two-proportion z-test, Newcombe's interval. Neither whole is 0."""
    one, other = part / whole, other_part / other_whole
    pooled = (part + other_part) / (whole + other_whole)
    error = math.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / other_whole))
    p_value = math.erfc(abs(one - other) / error / math.sqrt(2)) if error > 0 else 1.0
    (low, high), (other_low, other_high) = wilson(part, whole), wilson(other_part, other_whole)
    return Difference(
        one - other, one - other - math.hypot(one - low, other_high - other),
        one - other + math.hypot(high - one, other - other_low), p_value,
    )  # fmt: skip


def of_means(one: Sample, other: Sample) -> Difference | None:
    """The first mean less the other, by Welch's test; None: fewer than two values, or all are the same."""
    if min(one.size, other.size) < 2:
        return None
    parts = [sample.variance / sample.size for sample in (one, other)]
    error = math.sqrt(sum(parts))
    if error * error < TINY:
        return None
    freedom = sum(parts) ** 2 / sum(v * v / (s.size - 1) for v, s in zip(parts, (one, other), strict=True))
    value = one.mean - other.mean
    margin = t_quantile(CERTAIN, freedom) * error
    return Difference(value, value - margin, value + margin, t_two_sided(value / error, freedom))


def discoveries(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted by Benjamini and Hochberg: below q, at most a share q of what is found is chance."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place], reverse=True)
    adjusted, least = [1.0] * len(p_values), 1.0
    for rank, place in zip(range(len(p_values), 0, -1), order, strict=True):
        least = min(least, p_values[place] * len(p_values) / rank)
        adjusted[place] = least
    return adjusted


def unlike(counts: Sequence[float], expected: Sequence[float]) -> float:
    """How likely counts at least as far from the expected ones are by chance (Pearson's chi-square test)."""
    if not sum(counts):
        return 1.0
    square = sum((count - mean) ** 2 / mean for count, mean in zip(counts, expected, strict=True))
    return _upper_gamma((len(counts) - 1) / 2, square / 2)


def t_two_sided(t: float, freedom: float) -> float:
    """How likely a value of Student's t at least as far from 0 is."""
    return _beta((freedom / (freedom + t * t), t * t / (freedom + t * t)), freedom / 2, 0.5)


def t_quantile(certain: float, freedom: float) -> float:
    """Within this distance from 0 lies such a share of Student's t."""
    low, high = 0.0, 1.0
    while t_two_sided(high, freedom) > 1 - certain:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_two_sided(middle, freedom) > 1 - certain else (low, middle)
    return high


def _beta(place: tuple[float, float], a: float, b: float) -> float:
    """The regularised incomplete beta function at x; `place` is x and 1 - x, each as exact as it can be."""
    x, rest = place
    if x <= 0 or rest <= 0:
        return float(rest <= 0)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta((rest, x), b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest))
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _MOST_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for part in (even, odd):
            d, c = 1 / _not_zero(1 + part * d), _not_zero(1 + part / c)
            found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * found / a


def _upper_gamma(a: float, x: float) -> float:
    """The regularised upper incomplete gamma function."""
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for n in range(1, 10 * _MOST_STEPS):
            term *= x / (a + n)
            total += term
            if term < total * 1e-16:
                break
        return max(0.0, 1 - front * total)
    b = x + 1 - a
    c, d = 1e300, 1 / b
    found = d
    for n in range(1, _MOST_STEPS):
        part = -n * (n - a)
        b += 2
        d, c = 1 / _not_zero(part * d + b), _not_zero(b + part / c)
        found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * found


def _not_zero(value: float) -> float:
    return value if abs(value) > 1e-300 else 1e-300
