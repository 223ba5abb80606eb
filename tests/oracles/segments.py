"""Oracle of segments: who meets a condition, by brute force."""

from typing import Any

from rollbook.analyses.question import When
from rollbook.analyses.segments import Condition, Did
from tests.oracles.ground import DAY, Events, day_of, ever, people


def members(condition: Condition, events: Events, when: When) -> set[str]:
    """The users who meet it, of those ever seen by now."""
    everyone = people(ever(events, when))
    if condition.all:
        return everyone.intersection(*(members(one, events, when) for one in condition.all))
    if condition.any:
        return set().union(*(members(one, events, when) for one in condition.any))
    if condition.none_of:
        return everyone - members(condition.none_of, events, when)
    if seen := condition.first_seen:
        first: dict[str, Any] = {}
        for event in ever(events, when):
            day = day_of(event, when)
            first[event["user"]] = min(first.get(event["user"], day), day)
        return {u for u in everyone if (seen.since or first[u]) <= first[u] <= (seen.until or first[u])}
    did = condition.did or Did(course=condition.in_course)
    counted = [event["user"] for event in ever(events, when) if _is(event, did, when)]
    return {user for user in everyone if counted.count(user) >= did.at_least}


def _is(event: dict[str, Any], did: Did, when: When) -> bool:
    day = day_of(event, when)
    return (
        did.type in (None, event["type"])
        and did.course in (None, event["course"])
        and (did.last_days is None or event["timestamp"] > when.now - did.last_days * DAY)
        and (did.since or day) <= day <= (did.until or day)
    )
