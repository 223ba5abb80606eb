"""Sessions: how long people stay, found by their pauses."""

import dataclasses
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.behaviour import periods as calendar
from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope
from rollbook.store.scope import DAY


class SessionDay(Answer):
    """The sessions that began on one day."""

    day: date
    sessions: int
    people: int = Field(description="Who began one.")
    events: int = Field(description="In these sessions.")
    bounces: int = Field(description="Sessions of one event.")
    bounce_rate: float | None = Field(description="Bounces over sessions; null: there is none.")
    mean_seconds: float | None = Field(description="From the first to the last event; null: there is none.")
    median_seconds: float | None = Field(description="The same, the median; null: there is none, or withheld.")


class Sessions(Question[SessionDay]):
    """How many sessions did people begin on each day, and how long were they?

    A session is a run of one person's events, of any type, without a pause of more than `gap_minutes`; the event after
    such a pause begins the next. It counts on the day of its first event, whole, whenever it ends; one that began
    before the first day does not count. A session of one event has no length and is a bounce. `session_start` events
    mean nothing here.
    """

    days: Annotated[int, Field(ge=1, le=366, description="Calendar days, today included.")] = 30
    gap_minutes: Annotated[int, Field(ge=1, le=1440, description="A longer pause ends a session.")] = 30

    sql: ClassVar[str] = """
        with session[1] as begin_ms, session[-1] - session[1] as length_ms
        select toDate(fromUnixTimestamp64Milli(begin_ms, 'UTC'), {zone:String}) as day, count() as sessions,
               uniqExact(person) as people, sum(length(session)) as events, countIf(length(session) = 1) as bounces,
               avg(length_ms) / 1000 as mean, quantileExactInclusive(0.5)(length_ms) / 1000 as median
        from (
            select person, arrayJoin(arraySplit(
                       (ms, pause) -> pause > {gap_minutes:Int64} * 60000, times, arrayDifference(times))) as session
            from (
                select person, arraySort(groupArray(toUnixTimestamp64Milli(timestamp))) as times
                from scope
                where person != sipHash64('')
                group by person))
        where begin_ms >= {first_ms:Int64}
        group by day
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select person from scope"
        " where person != sipHash64('') and toUnixTimestamp64Milli(timestamp) >= {first_ms:Int64}",
        counts={"people": EVERYONE},
        extremes=("median_seconds",),
    )
    chart: ClassVar[Chart] = Line(x="day", y="sessions", types={"day": "temporal"})

    def scope(self, when: When) -> Scope:
        """The days, and a pause before them: whose session goes on over midnight is seen by it."""
        shown = when.calendar_days(self.days)
        return dataclasses.replace(shown, begin=shown.begin - timedelta(minutes=self.gap_minutes))

    def before(self, when: When) -> datetime | None:
        """As many days earlier."""
        return calendar.before(when, "day", self.days)

    def bound(self, when: When) -> dict[str, Any]:
        """When the first day begins."""
        begin = when.calendar_days(self.days).begin
        return super().bound(when) | {"first_ms": int(begin.timestamp() * 1000)}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[SessionDay]:
        """Every day, those too on which none began."""
        by_day = {row["day"]: row for row in found}
        none = {"sessions": 0, "people": 0, "events": 0, "bounces": 0, "mean": None, "median": None}
        return [self._day(day, by_day.get(day, none)) for day in (when.today - n * DAY for n in range(self.days)[::-1])]

    def _day(self, day: date, row: dict[str, Any]) -> SessionDay:
        return SessionDay(
            day=day,
            **{name: row[name] for name in ("sessions", "people", "events", "bounces")},
            bounce_rate=row["bounces"] / row["sessions"] if row["sessions"] else None,
            mean_seconds=row["mean"],
            median_seconds=row["median"],
        )
