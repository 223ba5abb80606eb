"""Document 2 in Python: the tracker, which sends events, and the event bus, which hears of them."""

from rollbook.event import EventType
from rollbook.tracker.bus import EventBus, get_event_bus
from rollbook.tracker.heard import TrackedEvent
from rollbook.tracker.tracker import AnalyticsTracker, NotDelivered

__all__ = ["AnalyticsTracker", "EventBus", "EventType", "NotDelivered", "TrackedEvent", "get_event_bus"]
