"""Topics: what is watched. All who watch the same with the same grant share one, so it is read once for all of them."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from rollbook.analyses import catalogue
from rollbook.analyses.arrivals import MOST_ARRIVALS, Position, Wanted, arrived, within
from rollbook.analyses.ask import ask, reach
from rollbook.analyses.metrics.metric_query import MetricQuery, answer, questions
from rollbook.delivery.api.ask import check_dates
from rollbook.delivery.api.caller import reached
from rollbook.delivery.live.clients import Subscription, gone
from rollbook.delivery.live.messages import EventFilter
from rollbook.delivery.live.touched import Touched
from rollbook.delivery.overview import Asked, overview
from rollbook.governance.grants import Grant
from rollbook.store import Scope, Store

# what of an answer is the moment of asking, and changes nothing
OF_THE_MOMENT = frozenset({"as_of", "execution_time_ms"})
BEHIND = (
    f"more than {MOST_ARRIVALS:,} events came at once; subscribe again with `resume` to have them bit by bit, "
    "or without it to go on with what comes from now on"
)

Content = dict[str, Any]


class _Watched:
    """What topics have in common."""

    def __init__(self, key: str, tenant: str) -> None:
        self.key, self.tenant = key, tenant
        self.subscriptions: list[Subscription] = []
        self.dirty = self.running = False
        # who will subscribe once they have caught up
        self.joining = 0
        self.asked_at = float("-inf")

    def leave(self, subscription: Subscription) -> None:
        """Somebody watches it no longer."""
        if subscription in self.subscriptions:
            self.subscriptions.remove(subscription)


class Answers(_Watched):
    """An answer: sent to whoever has none yet, and to all when it is another than the last."""

    def __init__(self, key: str, tenant: str, ask_now: Callable[[], Content], scope: Scope | None) -> None:
        """`ask_now` answers, as JSON's types; `scope`: the events it follows from, None: any of the tenant."""
        super().__init__(key, tenant)
        self._ask, self._scope = ask_now, scope
        self._last: bytes | None = None

    def heard(self, touched: Touched) -> None:
        """Turn dirty where the answer may be another."""
        if self._scope is None or touched.may_change(self._scope):
            self.dirty = True

    def read(self) -> Callable[[], Iterator[None]]:
        """Ask."""
        found = self._ask()
        content = b'"answer":%s}' % msgspec.json.encode(found)
        same = msgspec.json.encode(_lasting(found))

        def send() -> Iterator[None]:
            changed, self._last = same != self._last, same
            for one in list(self.subscriptions):
                if changed or one.waits:
                    one.waits = False
                    one.send("answer", content)
                yield

        return send


class Events(_Watched):
    """An event stream: what was committed behind the cursor, each event once and in the order of commits."""

    def __init__(self, key: str, store: Store, grant: Grant, wanted: Wanted, *, cursor: Position) -> None:
        super().__init__(key, grant.tenant)
        self._store, self._grant, self._wanted = store, grant, wanted
        self._scope = within(store, grant, wanted)
        self.cursor = cursor

    def heard(self, touched: Touched) -> None:
        """Turn dirty where the commit may hold events of it; else it has been read, so to say."""
        if touched.stamp is None:
            return
        if touched.may_hold(self._scope, self._wanted):
            self.dirty = True
        elif not self.dirty and not self.running:
            self.cursor = max(self.cursor, Position.behind(touched.stamp))

    def read(self) -> Callable[[], Iterator[None]]:
        """Read what is new."""
        upto = self._store.changes.stamp
        if upto is None or Position.behind(upto) <= self.cursor:
            return lambda: iter(())
        rows = self.between(self.cursor, upto, MOST_ARRIVALS + 1)

        def send() -> Iterator[None]:
            # who joins from here on begins behind these
            self.cursor = Position.behind(upto)
            for one in list(self.subscriptions):
                deliver(one, rows)
                yield

        return send

    def between(self, after: Position, upto: datetime, most: int) -> list[tuple[bytes, Position]]:
        """The events there, at most so many, each as the content of a message, and where one stands behind it."""
        rows = arrived(self._store, self._grant, self._wanted, (after, upto), most=most)
        return [content_of(row) for row in rows]


def content_of(row: dict[str, Any]) -> tuple[bytes, Position]:
    """An event as the content of a message, and where one stands behind it."""
    position = Position(row["received"].astimezone(UTC), row["event_id"])
    told = {name: value for name, value in row.items() if value not in ("", None)}
    return b'"resume":"%s","event":%s}' % (position.text().encode(), msgspec.json.encode(told)), position


def deliver(subscription: Subscription, rows: list[tuple[bytes, Position]]) -> None:
    """Send events to one who watches; they were too many if there is one more than MOST_ARRIVALS."""
    if len(rows) > MOST_ARRIVALS:
        gone(subscription, "behind", BEHIND)
        return
    for content, position in rows:
        subscription.send("event", content, position)


def question_topic(store: Store, grant: Grant, name: str, parameters: dict[str, Any]) -> Answers:
    """The topic of a question. Raises NotFound, Invalid or Forbidden as asking does."""
    question = catalogue.question(name, parameters)
    check_dates(question)
    anyone = dataclasses.replace(grant, caller=None)
    key = _key("question", anyone, [name, question.model_dump(mode="json")])

    def ask_now() -> Content:
        found: Content = ask(store, question, anyone).model_dump(mode="json")
        return found

    return Answers(key, grant.tenant, ask_now, reach(store, question, anyone))


def overview_topic(store: Store, grant: Grant, parameters: dict[str, Any]) -> Answers:
    """The topic of the overview page: its JSON twin. Raises pydantic's ValidationError."""
    asked = Asked.model_validate(parameters).model_copy(update={"tenant_id": grant.tenant})
    anyone = dataclasses.replace(grant, caller=None)

    def ask_now() -> Content:
        return overview(store, anyone, asked).model_dump(mode="json")

    return Answers(_key("overview", anyone, asked.model_dump(mode="json")), grant.tenant, ask_now, None)


def events_topic(store: Store, grant: Grant, filter: EventFilter, *, cursor: Position) -> Events:
    """The topic of an event stream. Raises Forbidden where it names people that may not be seen."""
    wanted = Wanted(*(tuple(sorted(set(names))) for names in (filter.types, filter.courses, filter.users)))
    anyone = dataclasses.replace(grant, caller=None)
    return Events(_key("events", anyone, dataclasses.astuple(wanted)), store, anyone, wanted, cursor=cursor)


def metric_topic(store: Store, grant: Grant, query: dict[str, Any]) -> Answers:
    """The topic of a metric: a `MetricQuery` of document 5. Raises pydantic's ValidationError, or Invalid."""
    asked = MetricQuery.model_validate(query)
    for moment in (asked.time_range.start, asked.time_range.end):
        reached(moment)
    anyone = dataclasses.replace(grant, caller=None)
    scopes = [reach(store, question, anyone) for question in questions(asked)]

    def ask_now() -> Content:
        return answer(store, asked, anyone).model_dump(mode="json")

    key = _key("metric", anyone, asked.model_dump(mode="json"))
    return Answers(key, grant.tenant, ask_now, scopes[0] if len(scopes) == 1 else None)


def _lasting(answer: Content) -> Content:
    """An answer without what is another each time it is asked."""
    lasting = {name: value for name, value in answer.items() if name not in OF_THE_MOMENT}
    if isinstance(answer.get("metadata"), dict):
        lasting["metadata"] = {name: value for name, value in answer["metadata"].items() if name not in OF_THE_MOMENT}
    return lasting


def _key(kind: str, grant: Grant, what: Any) -> str:
    """The same for the same thing, seen by the same grant."""
    return json.dumps([kind, grant.tenant, grant.users, grant.courses, grant.cells, what])
