"""Sequential: intervals that hold however often one looks, and whenever one stops.

The mixture sequential probability ratio test with a normal mixture (Robbins 1970; Johari, Koomen, Pekelis and Walsh,
"Always Valid Inference", Operations Research 2022), in the form of an asymptotic confidence sequence (Waudby-Smith,
Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics 2024). With n people and a difference d of variance v:

    d +- sqrt(v * 2 * (n * r + 1) / (n * r) * log(sqrt(n * r + 1) / alpha))

r, the paper's rho squared, is chosen so that the interval is narrowest when as many people have come as were planned;
it may not depend on the data: r = (-2 log alpha + log(-2 log alpha + 1)) / planned.
"""

import math
from dataclasses import dataclass

# below, a sum of few values is not yet near enough to a normal one
FEWEST_PEOPLE = 50
FEWEST_CLASSES = 20


@dataclass(frozen=True, slots=True)
class Always:
    """An interval that holds at every look, and the p-value that belongs to it."""

    low: float
    high: float
    p_value: float


def always(difference: float, variance: float, size: int, *, planned: int, alpha: float) -> Always | None:
    """The interval of a difference with this variance, of so many people or classes; None: it has no variance."""
    if variance <= 0:
        return None
    rho = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / planned
    grown = size * rho
    reach = math.sqrt(variance * 2 * (grown + 1) / grown * math.log(math.sqrt(grown + 1) / alpha))
    # the level at which the interval would just touch 0
    evidence = difference**2 / variance * grown / (2 * (grown + 1))
    p_value = min(1.0, math.exp(math.log(grown + 1) / 2 - evidence))
    return Always(difference - reach, difference + reach, p_value)
