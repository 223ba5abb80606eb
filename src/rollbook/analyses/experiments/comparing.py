"""Comparing a variant with the control: proportions, means, and both where classes were assigned.

Sources: z-test with pooled variance; Newcombe's interval of a difference (Statistics in Medicine 17, 1998, method 10:
Wilson scores); Welch's test with Satterthwaite's degrees of freedom; for classes the ratio estimator's linearised
variance, which is the cluster-robust sandwich of a regression on the variant, with t of G - 2 degrees of freedom.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rollbook.analyses.experiments.distributions import NORMAL, t_quantile, t_two_sided, two_sided


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known of one variant: how many, the sum of their values and of the squares."""

    size: int
    sum: float
    squares: float

    @property
    def mean(self) -> float:
        """Their mean; 0 of none."""
        return self.sum / self.size if self.size else 0.0

    @property
    def variance(self) -> float:
        """Their variance (over n - 1); 0 of fewer than two."""
        return max(0.0, self.squares - self.sum * self.mean) / (self.size - 1) if self.size > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Compared:
    """The difference to the control, its interval, how surprising it is without an effect, and its variance."""

    difference: float
    low: float
    high: float
    p_value: float
    test: str
    variance: float


def proportions(control: tuple[int, int], variant: tuple[int, int], alpha: float) -> Compared | None:
    """Two proportions, each as (how many, of how many); None: one is of nobody."""
    (c, n_c), (v, n_v) = control, variant
    if not n_c or not n_v:
        return None
    p_c, p_v, pooled = c / n_c, v / n_v, (c + v) / (n_c + n_v)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n_c + 1 / n_v))
    z = NORMAL.inv_cdf(1 - alpha / 2)
    (low_c, high_c), (low_v, high_v) = wilson(c, n_c, z), wilson(v, n_v, z)
    difference = p_v - p_c
    return Compared(
        difference=difference,
        low=difference - math.hypot(p_v - low_v, high_c - p_c),
        high=difference + math.hypot(high_v - p_v, p_c - low_c),
        p_value=two_sided(difference / error) if error else 1.0,
        test="two-proportion z",
        variance=p_c * (1 - p_c) / n_c + p_v * (1 - p_v) / n_v,
    )


def wilson(count: int, size: int, z: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion."""
    p, square = count / size, z * z / size
    middle = (p + square / 2) / (1 + square)
    reach = z * math.sqrt(p * (1 - p) / size + square / (4 * size)) / (1 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def means(control: Sample, variant: Sample, alpha: float) -> Compared | None:
    """Two means, by Welch; None: one has fewer than two values."""
    if control.size < 2 or variant.size < 2:
        return None
    parts = [sample.variance / sample.size for sample in (control, variant)]
    variance = sum(parts)
    if not variance:
        return _certain(variant.mean - control.mean, "Welch t")
    spread = sum(part**2 / (sample.size - 1) for part, sample in zip(parts, (control, variant), strict=True))
    return _by_t(variant.mean - control.mean, variance, variance**2 / spread, alpha, "Welch t")


def classes(
    control: Sequence[tuple[float, float]], variant: Sequence[tuple[float, float]], alpha: float
) -> Compared | None:
    """Two ratios over classes, each class as (sum of values, how many); None: a variant has fewer than two classes."""
    if len(control) < 2 or len(variant) < 2:
        return None
    (mean_c, var_c), (mean_v, var_v) = ratio(control), ratio(variant)
    test = "cluster-robust t"
    if not var_c + var_v:
        return _certain(mean_v - mean_c, test)
    return _by_t(mean_v - mean_c, var_c + var_v, len(control) + len(variant) - 2, alpha, test)


def ratio(of: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Sum over number, and its variance between the classes."""
    total, size = sum(one[0] for one in of), sum(one[1] for one in of)
    mean = total / size
    spread = sum((value - mean * n) ** 2 for value, n in of)
    return mean, len(of) / (len(of) - 1) * spread / size**2


def _by_t(difference: float, variance: float, freedom: float, alpha: float, test: str) -> Compared:
    error = math.sqrt(variance)
    reach = t_quantile(1 - alpha / 2, freedom) * error
    p_value = t_two_sided(difference / error, freedom)
    return Compared(difference, difference - reach, difference + reach, p_value, test, variance)


def _certain(difference: float, test: str) -> Compared:
    """Where no value differs from its variant's mean, nothing can be tested."""
    return Compared(difference, difference, difference, 1.0, test, 0.0)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values, adjusted for how many there are (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda n: p_values[n])
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, n in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[n]))
        adjusted[n] = worst
    return adjusted
