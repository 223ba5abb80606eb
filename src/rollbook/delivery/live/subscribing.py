"""Subscribing: what a client wishes to watch is let in as if it were asked for, and joins its topic."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.types import Scope

from rollbook.analyses.arrivals import MOST_ARRIVALS, Position
from rollbook.delivery.live.clients import MOST_SUBSCRIPTIONS, Client, Subscription, gone
from rollbook.delivery.live.desk import Desk
from rollbook.delivery.live.messages import Subscribe, told, wrong
from rollbook.delivery.live.topics import (
    BEHIND,
    Answers,
    Events,
    deliver,
    events_topic,
    metric_topic,
    overview_topic,
    question_topic,
)
from rollbook.errors import Invalid, RollbookError, Unavailable
from rollbook.governance.access import ASK
from rollbook.governance.caller import Permission
from rollbook.governance.gate import Guards, let_in
from rollbook.governance.grants import Grant
from rollbook.store import Store, events
from rollbook.store.scope import MILLISECOND

OVERVIEW = "/overview.json"
EVENTS = "/api/v2/live/events"
METRICS = "/api/v2/metrics/query"
# of events that are caught up with at once: with the largest of them they still fit into what may wait for a client
PAGE = 50
FIRST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """A connection: its request, and what it needs to let a subscription in."""

    store: Store
    guards: Guards
    desk: Desk
    client: Client
    scope: Scope


async def subscribe(place: Place, wish: Subscribe) -> None:
    """Let a subscription in; its first message says so. Raises what HTTP would answer."""
    client = place.client
    place.desk.check(client, wish.id, MOST_SUBSCRIPTIONS)
    grant = await _grant(place, wish)
    if wish.events is not None:
        await _to_events(place, wish, grant)
        return
    topic = await place.desk.read(lambda: _answers(place.store, grant, wish))
    # while it was read, another message may have taken the id
    place.desk.check(client, wish.id, MOST_SUBSCRIPTIONS)
    joined = Subscription(client, wish.id, grant, topic)
    client.subscriptions[wish.id] = joined
    client.put(told("subscribed", wish.id))
    place.desk.subscribe(joined)


async def _to_events(place: Place, wish: Subscribe, grant: Grant) -> None:
    store, client, desk = place.store, place.client, place.desk
    if not desk.told:
        raise Unavailable(
            "this process does not hear what the one that writes commits; set REDIS_URL for both",
            retry_after_seconds=60,
        )
    filter, start = wish.events, Position.read(wish.resume) if wish.resume else None
    assert filter is not None
    made = await desk.read(lambda: events_topic(store, grant, filter, cursor=_now(store)))
    desk.check(client, wish.id, MOST_SUBSCRIPTIONS)
    topic = desk.topic(made)
    assert isinstance(topic, Events)
    joined = Subscription(client, wish.id, grant, topic, position=start or topic.cursor)
    client.subscriptions[wish.id] = joined
    client.put(told("subscribed", wish.id, resume=(start or topic.cursor).text()))
    topic.joining += 1
    # it may take as long as the client takes to read, who may say other things meanwhile
    desk.begin(_join(desk, joined, topic, start))


async def _join(desk: Desk, joined: Subscription, topic: Events, start: Position | None) -> None:
    """Send what was missed, then what comes."""
    try:
        if start is None or await _catch_up(desk, joined, topic, start):
            joined.waits = False
            desk.subscribe(joined)
    except RollbookError as error:
        joined.client.put(wrong(error, joined.id))
        gone(joined, "refused", error.detail)
    finally:
        topic.joining -= 1
        desk.forget(topic)


def _now(store: Store) -> Position:
    """Behind what is committed."""
    if store.changes.stamp is not None:
        return Position.behind(store.changes.stamp)
    # another process may be in the middle of a commit, so that its events are not behind us yet
    return Position(events.last_received(store.engine) or FIRST)


async def _catch_up(desk: Desk, joined: Subscription, topic: Events, start: Position) -> bool:
    """Send what came between a position and the topic's cursor, which goes on meanwhile, as fast as the client reads.

    False: it is subscribed no longer.
    """
    sent = 0
    while joined.client.subscriptions.get(joined.id) is joined and start < topic.cursor:
        cursor = topic.cursor
        work = partial(topic.between, start, cursor.received - MILLISECOND, PAGE)
        rows = await desk.read(work)
        if joined.client.subscriptions.get(joined.id) is not joined:
            return False
        deliver(joined, rows)
        sent += len(rows)
        start = rows[-1][1] if len(rows) == PAGE else cursor
        if sent >= MOST_ARRIVALS and start < topic.cursor:
            gone(joined, "behind", BEHIND)
            return False
        await joined.client.emptied()
    return joined.client.subscriptions.get(joined.id) is joined


def _answers(store: Store, grant: Grant, wish: Subscribe) -> Answers:
    if wish.question is not None:
        return question_topic(store, grant, wish.question, wish.parameters)
    kind, make = ("metric", metric_topic) if wish.metric is not None else ("overview", overview_topic)
    try:
        return make(store, grant, wish.metric or wish.overview or {})
    except ValidationError as error:
        problems = (f"{kind} {'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
        raise Invalid("; ".join(problems)) from error
    except ValueError as error:
        raise Invalid(f"{kind}: {error}") from error


async def _grant(place: Place, wish: Subscribe) -> Grant:
    """What the caller may see of it: as if they asked at its address."""
    caller = place.client.grant.caller
    assert caller is not None
    tenant = {"tenant_id": wish.tenant_id or place.client.grant.tenant}
    permission: Permission | None = None
    method = "GET"
    if wish.question is not None:
        path, named = f"{ASK}{wish.question}", _plain(wish.parameters)
    elif wish.events is not None:
        # whoever may see what single people did
        path, named, permission = EVENTS, {"users": ",".join(wish.events.users)}, "ask_person"
    elif wish.overview is not None:
        path, named = OVERVIEW, {}
    else:
        method, path, named = "POST", METRICS, {}
    query = urlencode(named | tenant).encode()
    request = {**place.scope, "type": "http", "method": method, "path": path, "query_string": query, "state": {}}
    return await let_in(place.guards, caller, request, permission)


def _plain(parameters: dict[str, Any]) -> dict[str, str]:
    """Parameters as an address has them, so that the trail says whom they name."""
    lists = {name: ",".join(map(str, value)) for name, value in parameters.items() if isinstance(value, list)}
    return {name: str(value) for name, value in parameters.items()} | lists
