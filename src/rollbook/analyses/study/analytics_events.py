"""Analytics events: document 2's table of raw events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.learner.timeline import read
from rollbook.analyses.question import Answer, Days, Question, When
from rollbook.store import Scope

MOST_EVENTS = 10_000


class AnalyticsEvent(Answer):
    """One event as it is stored."""

    event_id: str
    event_type: str
    user_id: str | None
    timestamp: datetime
    session_id: str | None
    properties: dict[str, Any]


class AnalyticsEvents(Question[AnalyticsEvent]):
    """Which events came in, the newest first?

    Document 2's table `analytics_events`. For older ones ask again with `as_of` just before the time of the last row.
    """

    days: Days = Field(1, description="The last N x 24 hours.")
    type: Annotated[str, Field(max_length=1024, description="Only events of this type; empty: of any.")] = ""
    limit: Annotated[int, Field(ge=1, le=MOST_EVENTS, description="Most rows.")] = 100

    sql: ClassVar[str] = """
        select id as event_id, type as event_type, nullIf(user, '') as user_id, timestamp,
               nullIf(session, '') as session_id, properties
        from scope
        where {type:String} = '' or type = {type:String}
        order by timestamp desc, id desc
        limit {limit:UInt32}
        """

    def scope(self, when: When) -> Scope:
        """The period."""
        return when.last(self.days)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[AnalyticsEvent]:
        """Row for row, the properties read."""
        return [AnalyticsEvent(**row | {"properties": read(row["properties"])}) for row in found]
