"""Retention periods: how many of all people came in the last day, week, month, from one query."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Days, Question, When
from rollbook.analyses.retention import RetentionRate, split
from rollbook.store import Scope
from rollbook.store.scope import EPOCH, MILLISECOND, first_whole_day

Periods = Annotated[tuple[Days, ...], BeforeValidator(split), Field(min_length=1, max_length=20)]


class RetentionPeriods(Question[RetentionRate]):
    """What share of everyone ever seen was active in each of these periods?

    As `retention` for each of them, in the order asked for, from one query: when someone came last says in which
    periods they were active.
    """

    periods: Periods = Field((1, 7, 30), description="Each the last N x 24 hours.")

    sql: ClassVar[str] = """
        select everyone, known, found
        from (
            select count() as everyone,
                   sumForEach(arrayMap(ms -> not late and toUnixTimestamp64Milli(last) >= ms,
                                       {begins_ms:Array(Int64)})) as known
            from people_scope
        ) as people
        cross join (
            select sumForEach(arrayMap((day, ms) -> last_day >= day or toUnixTimestamp64Milli(last_moment) >= ms,
                                       {whole_days:Array(Date)}, {begins_ms:Array(Int64)})) as found
            from (select max(day) as last_day, max(moment) as last_moment from late_days_scope group by person)
        ) as others
        """

    crowd: ClassVar[Crowd] = Crowd(counts={"cohort_size": "", "active_users": "cohort_size"}, falling=("active_users",))

    def scope(self, when: When) -> Scope:
        """The longest period; the others begin at its cuts."""
        return dataclasses.replace(when.last(max(self.periods)), cuts=tuple(self._begins(when)))

    def bound(self, when: When) -> dict[str, Any]:
        """Where each period begins, and the first day that lies whole in it."""
        begins = self._begins(when)
        return super().bound(when) | {
            "begins_ms": [(begin - EPOCH) // MILLISECOND for begin in begins],
            "whole_days": [first_whole_day(begin, when.zone) for begin in begins],
        }

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[RetentionRate]:
        """One row for each period."""
        size, none = found[0]["everyone"], [0] * len(self.periods)
        active = [a + b for a, b in zip(found[0]["known"] or none, found[0]["found"] or none, strict=True)]
        return [
            RetentionRate(
                period_days=period, retention_rate=came / size if size else 0.0, cohort_size=size, active_users=came
            )
            for period, came in zip(self.periods, active, strict=True)
        ]

    def _begins(self, when: When) -> list[datetime]:
        return [when.now - timedelta(days=period) + MILLISECOND for period in self.periods]
