"""Model usage: which models are called for what, how well, and what that costs."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.costs.usage import By, Spent, UsageQuestion, crowd_of
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import When


class Used(Spent):
    """Calls that are alike in what was asked to tell apart; null: not told apart."""

    provider: str | None
    model: str | None
    operation: str | None
    hour: int | None = Field(description="Of the day, 0 to 23, on the clocks of the question's zone.")
    conversation_type: str | None = Field(description="Property `conversation_type`; empty: none was given.")
    failure_rate: float = Field(description="Failures over calls.")
    latency_p50_ms: float | None = Field(description="Median of `latency_ms`, linear between two values.")
    latency_p95_ms: float | None
    latency_p99_ms: float | None


class ModelUsage(UsageQuestion[Used]):
    """Which models are used for what, how often do they fail, how long do they take, and what do they cost?

    A row for each combination of what `by` names, the one with most calls first. Costs are what calls brought, else
    what the tenant's prices make of their tokens (docs/guides/costs.md); what is not known is never 0.
    """

    by: By = Field(("provider", "model", "operation"), description="What to tell apart.")
    limit: Annotated[int, Field(ge=1, le=10_000, description="Most rows.")] = 1_000

    crowd: ClassVar[Crowd] = crowd_of(
        "if(has({by:Array(String)}, 'hour'), toHour(timestamp, {zone:String}), null) as hour",
        *("provider", "model", "operation", "hour", "conversation_type"),
    )
    chart: ClassVar[Chart] = Bars(x="model", y="calls", color="operation")

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Used]:
        """Row for row, with what each costs."""
        return [self._row(row) for row in found]

    def _row(self, row: dict[str, Any]) -> Used:
        spent = self.sums(row["parts"]).spent(self._currency)
        p50, p95, p99 = (None if math.isnan(value) else value for value in row["latency"])
        named = ("provider", "model", "operation", "hour", "conversation_type")
        return Used(
            **spent,
            **{name: row[name] for name in named},
            failure_rate=spent["failures"] / spent["calls"],
            latency_p50_ms=p50,
            latency_p95_ms=p95,
            latency_p99_ms=p99,
        )
