"""Anomalies: whether a count is far from what it usually is (document 1's z-score)."""

import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope
from rollbook.store.scope import MILLISECOND

THRESHOLD, HIGH = 3.0, 5.0
UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1)}
MOST_PERIODS = 3660


def periods_in_reach(window: str) -> str:
    """The window, if it is not longer than can be asked about."""
    if int(window[:-1]) > MOST_PERIODS:
        raise ValueError(f"at most {MOST_PERIODS} periods")
    return window


class Anomaly(Answer):
    """A value that is more than three standard deviations from the mean."""

    metric: str
    value: int = Field(description="In the last period.")
    expected_mean: float = Field(description="Of the periods before it.")
    z_score: float = Field(description="Distance from the mean, in standard deviations.")
    severity: str = Field(description="`high` over 5, else `medium`.")
    timestamp: datetime = Field(description="End of the last period.")


class Anomalies(Question[Anomaly]):
    """Is this count unusual now? A row if it is.

    The last period (24 hours for a window in days, an hour for one in hours, ending now) is compared with as many
    periods before it as the window says: z is its distance from their mean over their standard deviation (of the
    population). Where they are all the same there is no z, and so no anomaly.
    """

    metric: Annotated[str, Field(min_length=1, max_length=1024)] = Field(
        "events", description="`events`, `active_users` (distinct people), or a type of event."
    )
    window: Annotated[str, AfterValidator(periods_in_reach)] = Field(
        "7d",
        pattern=r"^[1-9]\d{0,3}[dh]$",
        description="7d: seven days before the last; 24h: 24 hours before the last.",
    )

    sql: ClassVar[str] = """
        select intDiv(toUnixTimestamp64Milli({now:DateTime64(3, 'UTC')}) - toUnixTimestamp64Milli(timestamp),
                      {unit_ms:Int64}) as back,
               multiIf({metric:String} = 'events', count(),
                       {metric:String} = 'active_users', uniqExactIf(person, user != ''),
                       countIf(type = {metric:String})) as value
        from scope
        group by back
        """

    crowd: ClassVar[Crowd] = Crowd(
        """
        select metric, person
        from (select {metric:String} as metric, type, person, timestamp from scope)
        where person != sipHash64('') and (metric in ('events', 'active_users') or type = metric)
          and timestamp > {now:DateTime64(3, 'UTC')} - interval 1 day
        """,
        keys=("metric",),
    )

    @property
    def unit(self) -> timedelta:
        """How long a period is."""
        return UNITS[self.window[-1]]

    @property
    def periods(self) -> int:
        """How many periods come before the last."""
        return int(self.window[:-1])

    def scope(self, when: When) -> Scope:
        """The last period, and those before it."""
        return Scope(when.tenant, when.now, when.now - (self.periods + 1) * self.unit + MILLISECOND, when.zone)

    def bound(self, when: When) -> dict[str, Any]:
        """The length of a period."""
        return super().bound(when) | {"unit_ms": self.unit // MILLISECOND}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Anomaly]:
        """One row or none; a period without events counts as 0."""
        values = {row["back"]: row["value"] for row in found}
        value, usual = values.get(0, 0), [values.get(back, 0) for back in range(1, self.periods + 1)]
        mean, deviation = statistics.fmean(usual), statistics.pstdev(usual)
        z = abs(value - mean) / deviation if deviation else 0.0
        if z <= THRESHOLD:
            return []
        return [
            Anomaly(
                metric=self.metric,
                value=value,
                expected_mean=mean,
                z_score=z,
                severity="high" if z > HIGH else "medium",
                timestamp=when.now,
            )
        ]
