"""Worlds: arbitrary events, zones and moments, made for ties, gaps, edges and clocks that change."""

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from rollbook.store import Store
from tests.stories import happened, tell

USERS = ("ada", "bob", "zoë\t'\\x", "")
TYPES = (
    "session_start", "content_view", "content_start", "material_view", "video_play", "content_completion", "completion",
    "material_complete", "course_complete", "quiz_completion", "page_view",
)  # fmt: skip

# Zones, each with moments near which its clocks change (Cairo's at midnight, Chatham's by 45 minutes off the hour).
ZONES = {
    "UTC": ("2026-03-01T00:00",),
    "America/New_York": ("2026-03-08T07:00", "2025-11-02T06:00"),
    "Pacific/Chatham": ("2026-04-04T14:00", "2025-09-27T14:00"),
    "Africa/Casablanca": ("2025-02-23T02:00", "2025-04-06T02:00"),
    "Africa/Cairo": ("2025-04-24T22:00", "2025-10-30T21:00"),
}
MILLISECOND = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# lengths of periods to ask about
DAYS = st.sampled_from((1, 2, 7, 8, 30, 31, 60))

_tenants = itertools.count()


@dataclasses.dataclass(frozen=True)
class World:
    """Events of one tenant: first `before`, then (if `rolled`) all is rolled up, then `after`; and when it is asked."""

    zone: str
    now: datetime
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    rolled: bool

    @property
    def events(self) -> list[dict[str, Any]]:
        """All of them."""
        return [*self.before, *self.after]

    def happen(self, store: Store) -> str:
        """Tell it to the store; the name of the fresh tenant that it happened to."""
        tenant = f"world-{next(_tenants)}"
        store.records.set_timezone(tenant, self.zone)
        tell(store, tenant, self.before)
        if self.rolled:
            store.rollups.roll(quiet_seconds=0, of=tenant)
        tell(store, tenant, self.after)
        return tenant


@st.composite
def worlds(draw: st.DrawFn, happens: Any) -> World:
    """Any world of such events: `happens(anchor, now, zone)` gives any of them."""
    zone = draw(st.sampled_from(sorted(ZONES)))
    anchor = datetime.fromisoformat(draw(st.sampled_from(ZONES[zone]))).replace(tzinfo=UTC)
    now = anchor + draw(st.sampled_from((timedelta(), -MILLISECOND, 30 * HOUR, 9 * DAY, 40 * DAY)))
    told = draw(st.lists(happens(anchor, now, zone), max_size=24))
    cut = draw(st.integers(0, len(told))) if draw(st.booleans()) else len(told)
    return World(zone, now, told[:cut], told[cut:], rolled=draw(st.sampled_from((True, False, True))))


@st.composite
def some_event(draw: st.DrawFn, anchor: datetime, now: datetime, zone: str) -> dict[str, Any]:
    """One event, often at an edge: of the clock's change, of a window, of a day."""
    return happened(
        draw(st.sampled_from(TYPES)),
        draw(st.sampled_from(USERS)),
        draw(moments(anchor, now, zone)),
        content=draw(st.sampled_from(("", "c1", "c2", "m1"))),
        course=draw(st.sampled_from(("", "c1", "m1"))),
        concept=draw(st.sampled_from(("", "", "k1", "c1"))),
        score=draw(st.sampled_from((None, 0.0, 39.5, 40.0, 50.0, 60.0, 69.5, 70.0, 100.0, -5.0, 140.0))),
        duration=draw(st.sampled_from((None, 0.0, 30.0, 1800.0, 40_000.5))),
    )


@st.composite
def moments(draw: st.DrawFn, anchor: datetime, now: datetime, zone: str) -> datetime:
    """A moment near the world's: whole days before now, near midnight, near the clock's change, or anywhere."""
    days = draw(st.sampled_from((0, 1, 2, 6, 7, 8, 14, 29, 30, 31, 59, 60)))
    nudge = draw(st.sampled_from((timedelta(), MILLISECOND, -MILLISECOND)))
    near = draw(st.sampled_from(("now", "midnight", "change", "anywhere", "future")))
    if near == "now":
        return now - days * DAY + nudge
    if near == "midnight":
        local = (now - days * DAY).astimezone(ZoneInfo(zone))
        return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC) + nudge
    if near == "change":
        return anchor + draw(st.integers(-6, 6)) * HOUR / 2 + nudge
    if near == "future":
        return now + draw(st.integers(1, 72)) * HOUR
    return now - draw(st.integers(0, 70 * 24 * 60)) * timedelta(minutes=1)
