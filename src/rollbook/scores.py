"""Scores: what any form of a result means on the one scale of 0 to 100; what cannot be scaled is None, never cut.

Sources: xAPI 1.0.3, Score object (`scaled` from -1 to 1, else `raw` within `min` and `max`); Caliper 1.2, Score
(`scoreGiven` of `maxScore`), and LTI Assignment and Grade Services, where the maximum is `scoreMaximum`.
"""

import math
from collections.abc import Mapping
from typing import Any

LOWEST, HIGHEST = 0.0, 100.0
DECIMALS = 9  # 0.57 x 100 is 57

MAXIMA = ("maxScore", "scoreMaximum", "max_score")
MINIMA = ("minScore", "min_score")
# beside `score` itself, the properties that can say what it means
FORMS = ("result", "generated", "scoreGiven", *MAXIMA, *MINIMA)


def scaled(properties: Mapping[str, Any]) -> float | None:
    """The score that an event's properties tell, from 0 to 100; None where there is none, or it cannot be scaled.

    The first of these that is there: `score` (a number or text; with a maximum beside it, within that; or an object of
    xAPI's or Caliper's form), `result.score` (xAPI), `scoreGiven`, `generated` (Caliper's Score).
    """
    if properties.get("score") is not None:
        return _of(properties["score"], properties)
    result, generated = properties.get("result"), properties.get("generated")
    if isinstance(result, Mapping) and result.get("score") is not None:
        return _of(result["score"], result)
    if properties.get("scoreGiven") is not None:
        return _within(properties["scoreGiven"], properties, needs_maximum=True)
    if isinstance(generated, Mapping) and generated.get("scoreGiven") is not None:
        return _within(generated["scoreGiven"], generated, needs_maximum=True)
    return None


def in_range(score: float | None) -> float | None:
    """A score from 0 to 100 as it is; anything else is None."""
    return score if score is not None and LOWEST <= score <= HIGHEST else None


def number(value: Any) -> float | None:
    """A finite number, also from a text; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _of(value: Any, beside: Mapping[str, Any]) -> float | None:
    if not isinstance(value, Mapping):
        return _within(value, beside, needs_maximum=False)
    if value.get("scaled") is not None:
        share = number(value["scaled"])
        return None if share is None else in_range(round(share * HIGHEST, DECIMALS))
    if value.get("raw") is not None:
        return _between(number(value["raw"]), value.get("min"), value.get("max"))
    return _within(value.get("scoreGiven"), value, needs_maximum=True)


def _within(value: Any, beside: Mapping[str, Any], *, needs_maximum: bool) -> float | None:
    """A plain number; where a maximum stands beside it, within that."""
    given = number(value)
    maximum = _first(beside, MAXIMA)
    if maximum is None:
        return None if needs_maximum else in_range(given)
    return _between(given, _first(beside, MINIMA), maximum)


def _between(value: float | None, least: Any, most: Any) -> float | None:
    """The place between two bounds as 0 to 100; the lower one is 0 where it is not given, the upper one is needed."""
    lower, upper = (0.0 if least is None else number(least)), number(most)
    if value is None or lower is None or upper is None or not lower < upper or not lower <= value <= upper:
        return None
    place = (value - lower) / (upper - lower)
    return in_range(round(place * HIGHEST, DECIMALS)) if math.isfinite(place) else None


def _first(properties: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((properties[name] for name in names if properties.get(name) is not None), None)
