"""Model costs: what the use of models costs over time."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.costs.usage import Spent, UsageQuestion, crowd_of
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import When
from rollbook.analyses.retention import split

# each day has a row for each combination of what `by` names
MOST_FOUND = 1_000_000
MONTHS_OF_QUARTER = 3

Unit = Literal["day", "week", "month", "quarter"]
Kind = Literal["provider", "model", "operation", "conversation_type"]
ByKind = Annotated[tuple[Kind, ...], BeforeValidator(split, json_schema_input_type=str | list[Kind])]


class Cost(Spent):
    """What calls of one period cost."""

    period: date = Field(description="The first day of the period, in the question's zone.")
    provider: str | None = Field(description="null: not told apart.")
    model: str | None = Field(description="null: not told apart.")
    operation: str | None = Field(description="null: not told apart.")
    conversation_type: str | None = Field(description="null: not told apart; empty: none was given.")


class ModelCosts(UsageQuestion[Cost]):
    """What does the use of models cost, period by period?

    A row for each period with calls and each combination of what `by` names, the oldest period first. The first and
    the last period may be cut by the days asked about. Costs are those of `model_usage`.
    """

    unit: Unit = Field("day", description="`day`, `week` (from Monday), `month` or `quarter`.")
    by: ByKind = Field((), description="What to tell apart.")

    crowd: ClassVar[Crowd] = crowd_of(
        """toDate(timestamp, {zone:String}) as day,
        multiIf({unit:String} = 'week', toMonday(day), {unit:String} = 'month', toStartOfMonth(day),
                {unit:String} = 'quarter', toStartOfQuarter(day), day) as period""",
        *("period", "provider", "model", "operation", "conversation_type"),
    )
    chart: ClassVar[Chart] = Bars(
        x="period", y="cost_cents", color="model", types={"period": "temporal"}, parse="cost_cents"
    )

    def bound(self, when: When) -> dict[str, Any]:
        """Days are told apart, to be put together to periods."""
        return super().bound(when) | {"by": [*self.by, "day"], "limit": MOST_FOUND}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Cost]:
        """The days, put together to periods."""
        named = ("provider", "model", "operation", "conversation_type")
        parts: dict[tuple[Any, ...], list[Any]] = {}
        for row in found:
            key = (first_day(row["day"], self.unit), *(row[name] for name in named))
            parts.setdefault(key, []).extend(row["parts"])
        in_order = sorted(parts, key=lambda key: (key[0], *(name or "" for name in key[1:])))
        return [
            Cost(
                period=key[0],
                **dict(zip(named, key[1:], strict=True)),
                **self.sums(parts[key]).spent(self._currency),
            )
            for key in in_order
        ]


def first_day(day: date, unit: Unit) -> date:
    """The first day of the period that a day is in."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return day.replace(month=(day.month - 1) // MONTHS_OF_QUARTER * MONTHS_OF_QUARTER + 1, day=1)
    return day
