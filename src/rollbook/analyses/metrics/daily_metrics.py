"""Daily metrics: document 4's table of daily figures."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Kind, Question, When
from rollbook.store import Scope
from rollbook.store.scope import DAY

NAMES = ("dau", "event_types", "events", "learning_seconds", "sessions")
# a sum cannot bear the name of the column that it sums up
COLUMNS = {"events": "happened"}


class DailyMetric(Answer):
    """One figure of one day."""

    date: date
    metric_name: str = Field(description=f"One of {', '.join(NAMES)}.")
    metric_value: int
    dimensions: dict[str, str] = Field(description="Empty: the figure is of the whole tenant.")


class DailyMetrics(Question[DailyMetric]):
    """How did each day look in a few figures (document 4's table `metrics`)?

    Of each calendar day: `dau`, distinct people with an event; `events`; `event_types`, distinct types; `sessions`,
    events of type session_start; `learning_seconds`, the durations of all events, in whole seconds. Days without events
    have zeros. The figures are there for METRICS_RETENTION_DAYS, longer than the events.
    """

    days: Annotated[int, Field(ge=1, le=3660)] = Field(30, description="Calendar days, today included.")

    kind: ClassVar[Kind] = "aggregation"
    sql: ClassVar[str] = """
        select day, sum(people) as dau, sum(n) as happened, uniqExactIf(type, n > 0) as event_types,
               sumIf(n, type = 'session_start') as sessions, toInt64(floor(sum(s))) as learning_seconds
        from (
            select day, type, sum(events) as n, sum(seconds) as s, 0 as people from activity_scope group by day, type
            union all
            select day, '', 0, 0, uniqExact(person) from learner_days_scope group by day)
        group by day
        order by day
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select day as date, person from activity_scope where person != sipHash64('')", keys=("date",)
    )
    chart: ClassVar[Chart] = Line(x="date", y="metric_value", color="metric_name", types={"date": "temporal"})

    def scope(self, when: When) -> Scope:
        """The days shown."""
        return when.calendar_days(self.days)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[DailyMetric]:
        """A row for each figure of each day."""
        told = {row["day"]: row for row in found}
        days = (when.today - back * DAY for back in reversed(range(self.days)))
        return [
            DailyMetric(date=day, metric_name=name, metric_value=value, dimensions={})
            for day in days
            for name, value in _figures(told.get(day, {}))
        ]


def _figures(row: dict[str, int]) -> list[tuple[str, int]]:
    return [(name, row.get(COLUMNS.get(name, name), 0)) for name in NAMES]
