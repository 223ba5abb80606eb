"""Active users: how many people come on a day, in a week, in a month."""

from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.question import Answer, Kind, Question, When
from rollbook.store import Scope
from rollbook.store.scope import DAY

MONTH = 30


class ActiveDay(Answer):
    """One calendar day in the zone of the question."""

    day: date
    dau: int = Field(description="People active on the day.")
    wau: int | None = Field(description="People active in the 7 days that end with it; null: withheld.")
    mau: int | None = Field(description="People active in the 30 days that end with it; null: withheld.")
    stickiness: float | None = Field(description="DAU over MAU; null where nobody was active for 30 days.")


class ActiveUsers(Question[ActiveDay]):
    """How many people were active on each day, and in the 7 and 30 days up to it (DAU, WAU, MAU, stickiness)?

    Someone counts in the MAU from the first day of a run of days with gaps under 30 until 29 days after its last. So
    the SQL gives, for the n-th day, who was active on it, and by how many the week's and the month's people change.
    """

    days: Annotated[int, Field(ge=1, le=366, description="Calendar days, today included.")] = 30

    kind: ClassVar[Kind] = "aggregation"
    sql: ClassVar[str] = """
        with arrayPushFront(arrayPopBack(days), -1000) as before, arrayPushBack(arrayPopFront(days), 1000000) as after
        select bitAnd(code, 65535) as n,
               countIf(code < 65536) as active,
               countIf(bitShiftRight(code, 16) = 1) - countIf(bitShiftRight(code, 16) = 2) as week,
               countIf(bitShiftRight(code, 16) = 3) - countIf(bitShiftRight(code, 16) = 4) as month
        from (
            select arrayJoin(arrayConcat(
                       days,
                       arrayMap(d -> d + 65536, arrayFilter((d, b) -> d - b >= 7, days, before)),
                       arrayMap(d -> d + 7 + 65536 * 2, arrayFilter((d, a) -> a - d >= 7, days, after)),
                       arrayMap(d -> d + 65536 * 3, arrayFilter((d, b) -> d - b >= 30, days, before)),
                       arrayMap(d -> d + 30 + 65536 * 4, arrayFilter((d, a) -> a - d >= 30, days, after)))) as code
            from (
                select arrayCompact(arraySort(groupArray(toInt32(day - {first_day:Date})))) as days
                from learner_days_scope
                group by person))
        group by n
        order by n
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select person from learner_days_scope",
        counts={"dau": EVERYONE, "wau": EVERYONE, "mau": EVERYONE},
        rates={"stickiness": ("dau", "mau")},
        optional=("wau", "mau"),
    )
    chart: ClassVar[Chart] = Line(x="day", y="dau", types={"day": "temporal"}, titles={"dau": "people"})

    def scope(self, when: When) -> Scope:
        """The days shown and the month before them."""
        return when.calendar_days(self.days + MONTH - 1)

    def bound(self, when: When) -> dict[str, Any]:
        """The day that is the 0th."""
        return super().bound(when) | {"first_day": when.today - (self.days + MONTH - 2) * DAY}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[ActiveDay]:
        """The changes added up, and the days shown."""
        changes = {row["n"]: row for row in found}
        none = {"active": 0, "week": 0, "month": 0}
        by_day = [changes.get(n, none) for n in range(self.days + MONTH - 1)]
        weeks, months = (list(accumulate(day[name] for day in by_day)) for name in ("week", "month"))
        first_day = self.bound(when)["first_day"]
        return [
            ActiveDay(
                day=first_day + n * DAY,
                dau=by_day[n]["active"],
                wau=weeks[n],
                mau=months[n],
                stickiness=by_day[n]["active"] / months[n] if months[n] else None,
            )
            for n in range(MONTH - 1, len(by_day))
        ]
