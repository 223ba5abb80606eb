"""Comparing a tenant with its own past and, where it agreed, with others, none of whom can be told."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal
from weakref import WeakKeyDictionary

from rollbook.analyses.ask import ask
from rollbook.analyses.benchmarks.period_figures import Figures, PeriodFigures
from rollbook.analyses.experiments.distributions import beta_below
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store

# fewer others, and each would be a large part of what is shown
FEWEST_OTHERS = 5
MOST_OTHERS = 200
# a tenant with fewer people in the period has no figures to compare with
FEWEST_PEOPLE = 20
KEPT_SECONDS = 3600.0
MOST_KEPT = 10_000
DIGITS = 2

Standing = Literal["above", "usual", "below", "unknown"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Where most values lie, and where one stands against them: outside of the quartiles, or not."""

    count: int
    lower: float
    median: float
    upper: float

    def standing(self, value: float | None) -> Standing:
        """Where a value stands."""
        if value is None:
            return "unknown"
        return "above" if value > self.upper else "below" if value < self.lower else "usual"


def past(values: Sequence[float]) -> Spread | None:
    """The spread of a tenant's own earlier periods, by linear interpolation; None: there are none."""
    if not values:
        return None
    lower, median, upper = (_between(sorted(values), level) for level in (0.25, 0.5, 0.75))
    return Spread(len(values), lower, median, upper)


def others(values: Sequence[float]) -> Spread | None:
    """The spread of other tenants; None: too few.

    Each quartile is a weighted mean of all values (Harrell and Davis, Biometrika 69, 1982), to two digits, so that none
    of them is any tenant's figure.
    """
    if len(values) < FEWEST_OTHERS:
        return None
    lower, median, upper = (_rounded(_smooth(sorted(values), level)) for level in (0.25, 0.5, 0.75))
    return Spread(len(values), lower, median, upper)


def _between(values: Sequence[float], level: float) -> float:
    place = (len(values) - 1) * level
    low, high = values[math.floor(place)], values[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


def _smooth(values: Sequence[float], level: float) -> float:
    n, a, b = len(values), level * (len(values) + 1), (1 - level) * (len(values) + 1)
    steps = [beta_below(i / n, a, b) for i in range(n + 1)]
    return sum(value * (steps[i + 1] - steps[i]) for i, value in enumerate(values))


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


@dataclass(frozen=True, slots=True)
class _Key:
    tenant: str
    days: int
    day: date


class Others:
    """The figures of the tenants that agreed, up to an hour old."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[_Key, tuple[float, Figures]] = OrderedDict()
        self._lock = threading.Lock()

    def figures(self, tenant: str, days: int, as_of: datetime | None) -> list[Figures] | None:
        """Those of all others that agreed and have people enough; None: the tenant itself did not agree."""
        settings = tenants_of(self._store)
        if not settings.settings(tenant).share_benchmarks:
            return None
        named = [row["id"] for row in self._store.records.tenants() if row["id"] != tenant]
        agreed = [name for name in named if settings.settings(name).share_benchmarks][:MOST_OTHERS]
        found = ((name, self._of(name, days, as_of or datetime.now(UTC))) for name in agreed)
        fewest = {name: max(FEWEST_PEOPLE, settings.settings(name).smallest_cell) for name in agreed}
        return [figures for name, figures in found if figures.people >= fewest[name]]

    def _of(self, tenant: str, days: int, as_of: datetime) -> Figures:
        key, now = _Key(tenant, days, as_of.date()), time.monotonic()
        with self._lock:
            known = self._kept.get(key)
        if known is not None and now - known[0] < KEPT_SECONDS:
            return known[1]
        figures = ask(self._store, PeriodFigures(days=days, periods=1, as_of=as_of), tenant).rows[0]
        with self._lock:
            self._kept[key] = (now, figures)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return figures


_of: WeakKeyDictionary[Store, Others] = WeakKeyDictionary()


def others_of(store: Store) -> Others:
    """The others of a store; all who ask share what is kept."""
    return _of.setdefault(store, Others(store))
