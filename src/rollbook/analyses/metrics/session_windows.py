"""Session windows: any stream in windows that end when nothing comes for a while."""

from datetime import timedelta
from typing import ClassVar

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.metrics.stream import FIGURES, READ, Stream
from rollbook.analyses.question import When
from rollbook.store import Scope


class SessionWindows(Stream):
    """What happened in each session of a stream: windows that end when nothing comes for a while?

    Events with the same `group_by` are in one session as long as each comes less than `size` after the one before. A
    session begins with its first event and ends `size` after its last one. Each says how many events it holds, and what
    became of the fields in `aggregations`. It is `final` when it has ended and `grace_period` has passed; a late event
    is in the session all the same, joins two that it lies between, and `late` counts it. Sessions that began within
    `retention` are there, open ones too.
    """

    sql: ClassVar[str] = f"""
        select begin, until, keys, {FIGURES}, countIf(came > until + {{grace:Int64}}) as late
        from (
            select keys, came, person, told, min(at) over session as begin,
                max(at) over session + {{size:Int64}} as until
            from (
                select *, sum(fresh) over (partition by keys order by at
                    rows between unbounded preceding and current row) as number
                from (
                    select *, at - lagInFrame(at, 1, -4000000000000) over (partition by keys order by at
                        rows between 1 preceding and current row) >= {{size:Int64}} as fresh
                    from ({READ})))
            window session as (partition by keys, number))
        array join told as one
        where one.2 is not null and begin >= {{first:Int64}}
        group by begin, until, keys, field
        limit {{most:UInt32}}
        """
    chart: ClassVar[Chart] = Line(x="window_start", y="event_count", types={"window_start": "temporal"})

    def scope(self, when: When) -> Scope:
        """From as long before the first session as another may lie that goes on."""
        scope = super().scope(when)
        return Scope(when.tenant, when.now, scope.begin - timedelta(seconds=self.size_seconds), when.zone)
