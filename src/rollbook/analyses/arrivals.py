"""Arrivals: single events in the order in which they were committed, from any position on.

The store itself is the buffer: a reader that was away, or that has gone to another process, goes on at its position.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rollbook.analyses.learner.timeline import read as read_properties
from rollbook.errors import Invalid
from rollbook.governance.consent import left_out
from rollbook.governance.grants import Grant
from rollbook.governance.people import same_person
from rollbook.governance.pseudonyms import known_as
from rollbook.store import Scope, Store
from rollbook.store.scope import MILLISECOND

MOST_ARRIVALS = 5_000
LONGEST_POSITION = 4_096
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ARRIVED = """
    select id as event_id, type as event_type, user as user_id, timestamp, received, source, session as session_id,
           course as course_id, content as content_id, concept as concept_id, conversation as conversation_id, channel,
           score, duration, properties
    from scope
    where received >= {after:DateTime64(3, 'UTC')} and received <= {upto:DateTime64(3, 'UTC')}
      and (received, id) > ({after:DateTime64(3, 'UTC')}, {after_id:String})
      and (empty({types:Array(String)}) or type in {types:Array(String)})
      and (empty({courses:Array(String)}) or course in {courses:Array(String)})
    order by received, id
    limit {most:UInt64}
    """


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Behind the event that was received then and has this id; with id "" before all that were received then."""

    received: datetime
    id: str = ""

    @classmethod
    def behind(cls, stamp: datetime) -> "Position":
        """Behind all events of one commit."""
        return cls(stamp + MILLISECOND)

    def text(self) -> str:
        """A token; the same position always has the same."""
        milliseconds = (self.received - EPOCH) // MILLISECOND
        return base64.urlsafe_b64encode(json.dumps([milliseconds, self.id]).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Position":
        """The position of a token. Raises Invalid."""
        wrong = Invalid("resume: this is no token; use the last one that was sent, as it is")
        if len(text) > LONGEST_POSITION:
            raise wrong
        try:
            milliseconds, event = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            return cls(EPOCH + timedelta(milliseconds=int(milliseconds)), str(event))
        except (binascii.Error, ValueError, TypeError, OverflowError) as error:
            raise wrong from error


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: of these types, courses and users (as callers name them); an empty list stands for all."""

    types: tuple[str, ...] = ()
    courses: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


def within(store: Store, grant: Grant, wanted: Wanted) -> Scope:
    """The events that a grant and people's consent allow of those wanted, whenever they happened.

    Raises Forbidden where it names people that may not be seen.
    """
    ahead = timedelta(seconds=store.settings.max_future_seconds)
    named = {same for user in wanted.users for same in _persons(store, grant.tenant, user)}
    scope = Scope(grant.tenant, datetime.now(UTC) + ahead, users=tuple(sorted(named)) if wanted.users else None)
    return replace(grant.narrow(scope), left_out=left_out(store, grant.tenant))


def arrived(
    store: Store, grant: Grant, wanted: Wanted, span: tuple[Position, datetime], *, most: int = MOST_ARRIVALS
) -> list[dict[str, Any]]:
    """The events from behind a position up to a commit, its own included, at most `most` of them, the earliest first.

    Raises Forbidden, QueryTimeout or Unavailable.
    """
    scope = within(store, grant, wanted)
    with store.rollups.reading(grant.tenant):
        scope = replace(scope, sealed=store.rollups.sealed(grant.tenant))
        rows = _read(store, scope, wanted, span, most)
    return [row | {"properties": read_properties(row["properties"])} for row in rows]


def _read(
    store: Store, scope: Scope, wanted: Wanted, span: tuple[Position, datetime], most: int
) -> list[dict[str, Any]]:
    after, upto = span
    sql = scope.sql(ARRIVED)
    bound = scope.parameters() | {
        "after": after.received,
        "after_id": after.id,
        "upto": upto,
        "types": list(wanted.types),
        "courses": list(wanted.courses),
        "most": most,
    }
    return store.engine.query(sql, {name: value for name, value in bound.items() if "{" + name + ":" in sql})


def _persons(store: Store, tenant: str, user: str) -> Sequence[str]:
    """All stored ids of the person that a user is."""
    return same_person(store, tenant, known_as(store, tenant, user))
