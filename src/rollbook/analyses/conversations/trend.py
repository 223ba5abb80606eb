"""Trends: what is talked about more in the second half of a period than in the first."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from rollbook.analyses.conversations.conversation import Group
from rollbook.analyses.conversations.evidence import discoveries, of_shares

SIGNIFICANT = 0.05


class Trend(Group):
    """Conversations that have something in common, and whether there are more of them."""

    earlier: int = Field(description="Those that began in the first half of the period.")
    later: int = Field(description="Those that began in the second.")
    change: float | None = Field(description="Their share of all later conversations less that of all earlier ones.")
    p_value: float | None = Field(description="Two-proportion z-test; null: one of the halves is empty.")
    adjusted_p_value: float | None = Field(description="After Benjamini and Hochberg, over the rows of the answer.")
    trend: Literal["growing", "declining", "steady"] = Field(
        description="`steady` unless the adjusted p-value is below 0.05."
    )


def with_trends(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of `earlier` and `later` out of `all_earlier` and `all_later`, with their trends."""
    halves = bool(found) and min(found[0]["all_earlier"], found[0]["all_later"]) > 0
    if not halves:
        return [_without_totals(row) | _trend(None, None, None) for row in found]
    tests = [of_shares(row["later"], row["all_later"], row["earlier"], row["all_earlier"]) for row in found]
    adjusted = discoveries([test.p_value for test in tests])
    return [
        _without_totals(row) | _trend(test.value, test.p_value, p)
        for row, test, p in zip(found, tests, adjusted, strict=True)
    ]


def _trend(change: float | None, p_value: float | None, adjusted: float | None) -> dict[str, Any]:
    changed = adjusted is not None and adjusted < SIGNIFICANT
    trend = "steady" if not changed else "growing" if (change or 0) > 0 else "declining"
    return {"change": change, "p_value": p_value, "adjusted_p_value": adjusted, "trend": trend}


def _without_totals(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.startswith("all_")}
