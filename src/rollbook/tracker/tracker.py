"""The tracker: document 2's AnalyticsTracker. What it returns from is on disk; what it could not deliver, it raises."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self

import httpx

from rollbook.errors import Invalid, Unavailable
from rollbook.event import EventType, stored_type
from rollbook.tracker.ways import Book, InProcess, OverHttp, Told, Way

PATIENCE_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
MOST_SESSIONS = 100_000
WHOLE = 100.0
COMPLETING = frozenset({"complete", "completed", "finish", "finished"})


class NotDelivered(Unavailable):
    """Rollbook could not be reached for as long as the tracker waits. `events` are those that it has not taken.

    Keep them and hand them to `deliver` later: they have their ids, and count once however often they are sent.
    """

    def __init__(self, detail: str, events: Told) -> None:
        super().__init__(f"{detail}; {len(events)} events are not delivered")
        self.events = events


class AnalyticsTracker:
    """Tracks sessions, materials and any other event of a user, in order and each exactly once.

    Each call sends at once and returns when the events are on disk. While Rollbook cannot be reached it tries again
    with the same event ids, for `patience_seconds`; then it raises NotDelivered. Invalid, Forbidden or Unauthenticated
    say what is wrong where Rollbook refuses them.
    """

    def __init__(
        self,
        to: str | Book,
        *,
        key: str | None = None,
        tenant: str | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        """`to`: a server's address, or an open Rollbook. `key`: a key or token for the server; `tenant`: with open
        access, or an open Rollbook, whose the events are; `client`: an HTTP client to use instead of its own.
        """
        self._way: Way = (
            OverHttp(to, key=key, tenant=tenant, client=client)
            if isinstance(to, str)
            else InProcess(to, tenant or "default")
        )
        self._patience = patience_seconds
        # user -> their session that is open
        self._sessions: dict[str, str] = {}

    async def start_learning_session(self, user_id: object, material_id: object | None = None, **more: Any) -> str:
        """A session begins; its id. `more` are further properties."""
        session, user = str(uuid.uuid4()), str(user_id)
        told = {"session_id": session} | _given(material_id=material_id) | more
        await self.deliver([event(EventType.SESSION_START, user, told)])
        if len(self._sessions) >= MOST_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        self._sessions[user] = session
        return session

    async def track_material_interaction(
        self,
        user_id: object,
        material_id: object,
        material_type: str = "",
        interaction_type: str = "view",
        progress_percentage: float | None = None,
        **more: Any,
    ) -> None:
        """Something is done with a material: a `material_view`, and at 100 % a `material_complete`.

        `interaction_type` `complete` is a `material_complete` alone. It belongs to the session that this tracker
        started for the user, unless `session_id` names another.
        """
        user = str(user_id)
        told = _given(
            session_id=self._sessions.get(user),
            material_id=material_id,
            material_type=material_type or None,
            interaction_type=interaction_type,
            progress_percentage=_percentage(progress_percentage),
        )
        told |= more
        completes = interaction_type.lower() in COMPLETING
        types = [] if completes else [EventType.MATERIAL_VIEW]
        if completes or (progress_percentage is not None and progress_percentage >= WHOLE):
            types.append(EventType.MATERIAL_COMPLETE)
        await self.deliver([event(type, user, told) for type in types])

    async def end_learning_session(self, user_id: object, session_id: str, xp_earned: int = 0, **more: Any) -> None:
        """A session ends, and has earned its XP."""
        user, told = str(user_id), {"session_id": session_id}
        events = [event(EventType.SESSION_END, user, told | more)]
        if xp_earned:
            events.append(event(EventType.XP_EARNED, user, told | {"xp_amount": xp_earned, "source": "session"}))
        await self.deliver(events)
        if self._sessions.get(user) == session_id:
            del self._sessions[user]

    async def track(
        self, event_type: EventType | str, user_id: object | None = None, properties: dict[str, Any] | None = None
    ) -> None:
        """Any other event; without a user it is of whose token the tracker shows, or of nobody."""
        user = None if user_id is None else str(user_id)
        await self.deliver([event(event_type, user, properties or {})])

    async def deliver(self, events: Sequence[dict[str, Any]]) -> None:
        """Send events as `event` makes them, or as NotDelivered holds them; return when they are on disk."""
        pause, deadline = FIRST_PAUSE_SECONDS, asyncio.get_running_loop().time() + self._patience
        while events:
            try:
                await self._way.send(list(events))
                return
            except Unavailable as error:
                if asyncio.get_running_loop().time() + pause > deadline:
                    raise NotDelivered(error.detail, list(events)) from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def close(self) -> None:
        """Let the connection go."""
        await self._way.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def event(type: EventType | str, user: str | None, properties: dict[str, Any]) -> dict[str, Any]:
    """An event of now, with an id of its own, as document 2 writes it."""
    return {
        "event_id": str(uuid.uuid4()),
        "event_type": stored_type(type),
        "timestamp": datetime.now(UTC).isoformat(),
        "properties": properties,
    } | ({"user_id": user} if user is not None else {})


def _given(**properties: object | None) -> dict[str, Any]:
    """Those that are known; ids as text."""
    return {
        name: str(value) if name.endswith("_id") else value for name, value in properties.items() if value is not None
    }


def _percentage(progress: float | None) -> float | None:
    if progress is not None and not 0 <= progress <= WHOLE:
        raise Invalid(f"progress_percentage: 0 to 100, not {progress}")
    return progress
