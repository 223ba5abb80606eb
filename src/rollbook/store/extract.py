"""Extract: all events of a scope in order of time, for files, in bounded memory.

The scope is cut into slices of whole hours with about PAGE events each, and each slice is read at once: nothing is
sorted but a slice, no query runs longer the more there is, and a slow reader holds no connection.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from rollbook.store.engine import Engine
from rollbook.store.scope import MILLISECOND, Scope

PAGE = 50_000
HOUR = timedelta(hours=1)

COLUMNS = (
    "event_id", "event_type", "user_id", "timestamp", "received", "source", "session_id", "course_id", "content_id",
    "concept_id", "conversation_id", "channel", "score", "duration", "metadata",
)  # fmt: skip

HOURS = """
    select toStartOfHour(timestamp) as hour, count() as events
    from scope
    where empty({types:Array(String)}) or has({types:Array(String)}, type)
    group by hour
    order by hour
    """
EVENTS = """
    select id as event_id, type as event_type, user as user_id, timestamp, received, source, session as session_id,
           course as course_id, content as content_id, concept as concept_id, conversation as conversation_id, channel,
           score, duration, properties as metadata
    from scope
    where (empty({types:Array(String)}) or has({types:Array(String)}, type))
      and (timestamp, id) > ({after:DateTime64(3, 'UTC')}, {after_id:String})
    order by timestamp, id
    limit {most:UInt64}
    """


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of time, both ends included, and how many events it held when it was counted."""

    begin: datetime
    until: datetime
    events: int


class Extract:
    """The events of a scope, of some types only where they are named. Raises QueryTimeout or Unavailable."""

    def __init__(self, engine: Engine, scope: Scope, types: Sequence[str] = (), *, page: int = PAGE) -> None:
        """Count; what is read later are the events of the hours that had some now."""
        self._engine = engine
        self._scope = scope
        self._types = list(types)
        self._page = page
        hours = self._ask(Engine.query, HOURS, scope, {})
        self._slices = _slices([(row["hour"], row["events"]) for row in hours], scope, page)

    @property
    def events(self) -> int:
        """How many there are."""
        return sum(part.events for part in self._slices)

    def blocks(self) -> Iterator[pa.Table]:
        """The events, columns as in COLUMNS, in tables of up to a page."""
        for part in self._slices:
            yield from self._read(replace(self._scope, begin=part.begin, until=part.until))

    def _read(self, scope: Scope) -> Iterator[pa.Table]:
        """A slice, a page at a time: one hour can hold any number of events."""
        bound = {"after": scope.begin - MILLISECOND, "after_id": "", "most": self._page}
        while True:
            block: pa.Table = self._ask(Engine.query_arrow, EVENTS, scope, bound)
            yield block
            if block.num_rows < self._page:
                return
            last = block.slice(block.num_rows - 1).to_pylist()[0]
            bound |= {"after": last["timestamp"], "after_id": last["event_id"]}

    def _ask(self, how: Any, question: str, scope: Scope, values: dict[str, Any]) -> Any:
        sql = scope.sql(question)
        bound = scope.parameters() | values | {"types": self._types}
        return how(self._engine, sql, {name: value for name, value in bound.items() if "{" + name + ":" in sql})


def _slices(hours: list[tuple[datetime, int]], scope: Scope, page: int) -> list[Slice]:
    """Hours one after the other, put together while they hold no more than a page."""
    slices: list[Slice] = []
    for hour, events in hours:
        begin, until = max(hour, scope.begin), min(hour + HOUR - MILLISECOND, scope.until)
        if slices and slices[-1].events + events < page:
            slices[-1] = Slice(slices[-1].begin, until, slices[-1].events + events)
        else:
            slices.append(Slice(begin, until, events))
    return slices
