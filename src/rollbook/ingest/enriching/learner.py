"""Learner: what is known of who did it: segment, lifetime value, how long they are known and how often they came."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rollbook.ingest.enriching.enricher import Around, Incoming, Members

# by the names of traits
TRAITS = ("segment", "lifetime_value")


class Learner:
    """`segment` and `lifetime_value` from the traits; `first_seen`, `days_known`, `days_active` from the rollups.

    Who has come on a day only that is not rolled up yet is new: first seen with this event.
    """

    name = "learner"

    def ready(self, around: Around) -> Callable[[Incoming], Members]:
        """Looks everybody up at once."""
        users = around.users()
        traits = around.known.traits.of(around.tenant, users) if users else {}
        histories = around.known.histories.of(around.tenant, users) if users else {}

        def members(event: Incoming) -> Members:
            if not event.user:
                return {}
            known: dict[str, Any] = traits.get(event.user, {})
            history = histories.get(event.user)
            first = min(history.first, event.at) if history else event.at
            found = {name: known[name] for name in TRAITS if name in known}
            return found | _seen(first, event.at) | {"days_active": history.days if history else 0}

        return members


def _seen(first: datetime, at: datetime) -> Members:
    return {
        "first_seen": first.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "days_known": (at - first).days,
    }
