"""Timeline: what one learner did, newest first."""

import json
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Dots
from rollbook.analyses.learner.of_learner import OfLearner
from rollbook.analyses.question import Answer, When

MOST_DIGITS = 300


class Moment(Answer):
    """One event of the learner; null where the event does not say."""

    event_id: str
    event_type: str
    timestamp: datetime
    session_id: str | None
    course_id: str | None
    content_id: str | None
    concept_id: str | None
    score: float | None
    duration: float | None
    properties: dict[str, Any]


class Timeline(OfLearner[Moment]):
    """What did this learner do, newest first?

    For older events ask again with `as_of` just before the time of the last row.
    """

    limit: int = Field(100, ge=1, le=1000, description="Most events.")

    sql: ClassVar[str] = """
        select id as event_id, type as event_type, timestamp, nullIf(session, '') as session_id,
               nullIf(course, '') as course_id, nullIf(content, '') as content_id, nullIf(concept, '') as concept_id,
               score, duration, properties
        from scope
        order by timestamp desc, id desc
        limit {limit:UInt32}
        """
    chart: ClassVar[Chart] = Dots(x="timestamp", y="event_type", types={"timestamp": "temporal"})

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Moment]:
        """Row for row, the properties read."""
        return [Moment(**row | {"properties": read(row["properties"])}) for row in found]


def read(properties: str) -> dict[str, Any]:
    """The properties; a number that nothing can hold (1e999, thousands of digits) as the text it was sent as."""
    read: dict[str, Any] = json.loads(properties, parse_float=_real, parse_int=_whole)
    return read


def _real(text: str) -> float | str:
    found = float(text)
    return found if math.isfinite(found) else text


def _whole(text: str) -> int | str:
    return int(text) if len(text) <= MOST_DIGITS else text
