"""Bayes: how likely each variant is the best one, worked out by numeric integration; nothing is drawn at random.

Rates: Beta(1, 1) before, Beta(1 + conversions, 1 + others) after. Means: a flat prior, so normal with the mean's
standard error. P(i is best) = ∫ fᵢ(x) Πⱼ Fⱼ(x) dx over the others j.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rollbook.analyses.experiments.comparing import Sample

POINTS = 20_000
# standard deviations; the tails of a rate near 0 or 1 are longer than a normal's
REACH, REACH_OF_RATES = 9.0, 40.0

Curve = NDArray[np.float64]


def best_rate(counts: Sequence[tuple[int, int]]) -> list[float]:
    """For each variant's (conversions, people) how likely its rate is the highest."""
    shapes = [(1 + count, 1 + size - count) for count, size in counts]
    ends = []
    for a, b in shapes:
        mean, deviation = a / (a + b), math.sqrt(a * b / (a + b + 1)) / (a + b)
        ends += [mean - REACH_OF_RATES * deviation, mean + REACH_OF_RATES * deviation]
    x = _points(max(min(ends), 0.0), min(max(ends), 1.0))
    return _best([_normed((a - 1) * np.log(x) + (b - 1) * np.log1p(-x)) for a, b in shapes])


def best_mean(samples: Sequence[Sample]) -> list[float] | None:
    """For each variant how likely its mean is the highest; None: one has no spread to judge it by."""
    if any(sample.size < 2 or sample.variance <= 0 for sample in samples):
        return None
    errors = [math.sqrt(sample.variance / sample.size) for sample in samples]
    return best_normal([sample.mean for sample in samples], errors)


def best_normal(means: Sequence[float], errors: Sequence[float]) -> list[float]:
    """The same of means with these standard errors."""
    pairs = list(zip(means, errors, strict=True))
    low, high = min(m - REACH * e for m, e in pairs), max(m + REACH * e for m, e in pairs)
    x = _points(low, high)
    return _best([_normed(-0.5 * ((x - m) / e) ** 2) for m, e in pairs])


def _points(low: float, high: float) -> Curve:
    """The middles of so many steps: at the very ends a density may be infinite, or cut off."""
    edges = np.linspace(low, high, POINTS + 1)
    points: Curve = (edges[1:] + edges[:-1]) / 2
    return points


def _normed(logarithms: Curve) -> Curve:
    found: Curve = np.exp(logarithms - logarithms.max())
    normed: Curve = found / found.sum()
    return normed


def _best(densities: Sequence[Curve]) -> list[float]:
    # up to the middle of each step
    below = [np.cumsum(density) - density / 2 for density in densities]
    chances = []
    for n, density in enumerate(densities):
        others = [one for m, one in enumerate(below) if m != n]
        chances.append(float(np.sum(density * np.prod(others, axis=0))) if others else 1.0)
    total = sum(chances)
    return [chance / total for chance in chances]
