"""Oracles of conversations: every question about them, over talks put together by brute force."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from statistics import NormalDist, median
from types import SimpleNamespace
from typing import Any

from rollbook.analyses.question import When
from tests.oracles import learner
from tests.oracles.ground import DAY, Events, Oracle, Rows, local, of
from tests.oracles.talking.talks import Talk, Talks, by, mean, people, talks


def _group(found: Talks) -> dict[str, Any]:
    done, over = [t for t in found if t.status == "completed"], [t for t in found if t.status != "active"]
    return {
        "conversations": len(found),
        "people": people(found),
        "people_completed": people(done),
        "completion_rate": len(done) / len(over) if over else None,
    }


def _seconds(found: Talks) -> float | None:
    return mean([talk.seconds for talk in found if talk.seconds is not None])  # type: ignore[no-any-return]


def _liked(found: Talks) -> float | None:
    return mean([talk.liked for talk in found if talk.liked is not None])  # type: ignore[no-any-return]


def _response(found: Talks) -> float | None:
    return mean([wait for talk in found for wait in talk.waits])  # type: ignore[no-any-return]


def _enough(question: Any, found: Talks) -> bool:
    return bool(len(found) >= question.min_conversations)


def conversation_metrics(question: Any, events: Events, when: When) -> Rows:
    """One by one."""
    if question.user is not None:
        events = of(question.user, events)
    found = talks(question, events, when)
    chosen = [talk for talk in found if question.conversation in ("", talk.name)]
    chosen.sort(key=lambda talk: talk.name.encode())
    chosen.sort(key=lambda talk: talk.began, reverse=True)
    return [
        {
            "conversation_id": talk.name, "tenant_id": when.tenant, "start_time": talk.began, "end_time": talk.ended,
            "duration_seconds": talk.seconds, "message_count": len(talk.turns),
            "user_messages": sum(role == "user" for role, _ in talk.turns),
            "bot_messages": sum(role == "bot" for role, _ in talk.turns),
            "intent_changes": max(len(talk.intents) - 1, 0), "unique_intents": list(dict.fromkeys(talk.intents)),
            "completion_status": talk.status, "satisfaction_score": talk.liked, "error_count": talk.errors,
            "avg_response_time_ms": mean(talk.waits), "total_cost_cents": talk.cost, "channel": talk.first("channel"),
            "user_segment": talk.first("user_segment") or None,
        }
        for talk in chosen[: question.most]
    ]  # fmt: skip


def user_behavior(question: Any, events: Events, when: When) -> Rows:
    """User by user, beside their engagement and risk."""
    mine = events if question.user is None else of(question.user, events)
    groups = by(talks(question, mine, when), lambda talk: talk.users)
    rows = [_behavior(question, user, groups[user], (events, when)) for user in groups]
    rows.sort(key=lambda row: (-row["total_conversations"], row["user_id"].encode()))
    return rows[: question.most]


def _behavior(question: Any, user: str, found: Talks, world: tuple[Events, When]) -> dict[str, Any]:
    events, when = world
    middle = when.now - question.days * DAY / 2
    halves = [[t for t in found if t.began < middle], [t for t in found if t.began >= middle]]
    early, late = (_liked(half) for half in halves)
    channels = Counter(channel for talk in found if (channel := talk.first("channel")))
    intents = Counter(intent for talk in found for intent in set(talk.intents))
    own, one = of(user, events), SimpleNamespace(user=user, window=question.days)
    return {
        "user_id": user, "tenant_id": when.tenant, "period_end": when.now,
        "period_start": when.now - question.days * DAY + timedelta(milliseconds=1),
        "total_conversations": len(found),
        "completed_conversations": sum(talk.status == "completed" for talk in found),
        "abandoned_conversations": sum(talk.status == "abandoned" for talk in found),
        "avg_session_duration": float(_seconds(found) or 0),
        "preferred_channel": next(iter(_ranked(channels)), ""), "most_common_intents": _ranked(intents)[:5],
        "satisfaction_trend": None if early is None or late is None else late - early,
        "engagement_score": learner.engagement(one, own, when)[0]["engagement_score"],
        "churn_risk": learner.dropout_risk(one, own, when)[0]["dropout_risk"],
    }  # fmt: skip


def _ranked(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda name: (-counts[name], name))


def conversation_patterns(question: Any, events: Events, when: When) -> Rows:
    """All together."""
    found = talks(question, events, when)
    row = _group(found) | {"enough": _enough(question, found)}
    if not row["enough"]:
        return [row | {"completion_rate": None, "peak_hour": None, "satisfaction": None}]
    days = Counter(local(talk.began, when).isoweekday() for talk in found)
    hours = Counter(local(talk.began, when).hour for talk in found)
    seconds = [talk.seconds for talk in found if talk.seconds is not None]
    return [
        row
        | {
            "note": "", "mean_duration_seconds": _seconds(found),
            "median_duration_seconds": median(seconds) if seconds else None,
            "messages_per_conversation": mean([len(talk.turns) for talk in found]),
            "avg_response_time_ms": _response(found), "satisfaction": _liked(found),
            "peak_weekday": min(days, key=lambda day: (-days[day], day)),
            "peak_hour": min(hours, key=lambda hour: (-hours[hour], hour)),
        }
    ]  # fmt: skip


def conversation_outcomes(question: Any, events: Events, when: When) -> Rows:
    """By status."""
    found = talks(question, events, when)
    rows = [
        {
            "status": status, "conversations": len(group), "people": people(group), "share": len(group) / len(found),
            "mean_duration_seconds": _seconds(group),
            "messages_per_conversation": mean([len(talk.turns) for talk in group]),
        }
        for status, group in by(found, lambda talk: [talk.status]).items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row["conversations"], row["status"]))


def conversation_times(question: Any, events: Events, when: When) -> Rows:
    """By hour of the week."""
    found = talks(question, events, when)
    if not _enough(question, found):
        return []
    groups = by(found, lambda t: [(local(t.began, when).isoweekday(), local(t.began, when).hour)])
    return [
        {"weekday": day, "hour": hour, "index": len(group) * 168 / len(found)} | _group(group)
        for day in range(1, 8)
        for hour in range(24)
        for group in (groups.get((day, hour), []),)
    ]


def _trends(question: Any, rows: list[tuple[dict[str, Any], Talks]], found: Talks, when: When) -> Rows:
    middle = when.now - question.days * DAY / 2
    before, after = [t for t in found if t.began < middle], [t for t in found if t.began >= middle]
    tested = []
    for row, group in rows:
        early = [t for t in group if t.began < middle]
        told: dict[str, Any] = {"earlier": len(early), "later": len(group) - len(early), "trend": "steady"}
        told |= dict.fromkeys(("change", "p_value"))
        if before and after:
            p = _z_test((told["later"], len(after)), (told["earlier"], len(before)))
            told |= {"change": told["later"] / len(after) - told["earlier"] / len(before), "p_value": p}
        tested.append(row | told)
    return tested


def _z_test(one: tuple[int, int], other: tuple[int, int]) -> float:
    pooled = (one[0] + other[0]) / (one[1] + other[1])
    error = math.sqrt(pooled * (1 - pooled) * (1 / one[1] + 1 / other[1]))
    return 2 * NormalDist().cdf(-abs(one[0] / one[1] - other[0] / other[1]) / error) if error else 1.0


def conversation_flows(question: Any, events: Events, when: When) -> Rows:
    """By the way from intent to intent."""
    found = talks(question, events, when)
    if not _enough(question, found):
        return []
    groups = by(found, lambda talk: [" > ".join(talk.intents[: question.steps])])
    rows = [
        (
            {"path": path, "share": len(group) / len(found), "mean_duration_seconds": _seconds(group)} | _group(group),
            group,
        )
        for path, group in groups.items()
        if path
    ]
    told = sorted(_trends(question, rows, found, when), key=lambda row: (-row["conversations"], row["path"]))
    if question.by == "success":
        told.sort(key=lambda row: -_surely(groups[row["path"]]))
    return told[: question.most]


def _surely(group: Talks) -> float:
    """The lower end of Wilson's interval: the share at which what was seen is just not too much."""
    whole = sum(talk.status != "active" for talk in group)
    part = sum(talk.status == "completed" for talk in group)
    low, high, z = 0.0, part / whole if whole else 0.0, NormalDist().inv_cdf(0.975)
    for _ in range(100):
        middle = (low + high) / 2
        far = whole and (part / whole - middle) > z * math.sqrt(middle * (1 - middle) / whole)
        low, high = (middle, high) if far else (low, middle)
    return round(high, 9)


def conversation_drop_off(question: Any, events: Events, when: When) -> Rows:
    """By intent."""
    found = talks(question, events, when)
    over = [talk for talk in found if talk.status != "active"]
    if not _enough(question, found):
        return []
    rows = []
    for intent, group in by(over, lambda talk: talk.intents or [""]).items():
        gone = [t for t in group if t.status == "abandoned" and (t.intents or [""])[-1] == intent]
        rows.append(
            {
                "intent": intent, "conversations": len(group), "people": people(group), "dropped": len(gone),
                "people_dropped": people(gone), "drop_off_rate": len(gone) / len(group),
                "median_messages": median([len(talk.turns) for talk in gone]) if gone else None,
            }
        )  # fmt: skip
    return sorted(rows, key=lambda row: (-row["dropped"], -row["conversations"], row["intent"]))[: question.most]


def conversation_intents(question: Any, events: Events, when: When) -> Rows:
    """By intent, with trends."""
    found = talks(question, events, when)
    if not _enough(question, found):
        return []
    rows = [
        (
            {"intent": intent, "share": len(group) / len(found), "mean_duration_seconds": _seconds(group)}
            | {"satisfaction": _liked(group)} | _group(group),
            group,
        )
        for intent, group in by(found, lambda talk: talk.intents).items()
    ]  # fmt: skip
    told = sorted(_trends(question, rows, found, when), key=lambda row: (-row["conversations"], row["intent"]))
    return told[: question.most]


def conversation_channels(question: Any, events: Events, when: When) -> Rows:
    """By channel."""
    found = talks(question, events, when)
    if not _enough(question, found):
        return []
    rows = [
        _group(group)
        | {
            "channel": channel, "share": len(group) / len(found), "mean_duration_seconds": _seconds(group),
            "messages_per_conversation": mean([len(talk.turns) for talk in group]),
            "avg_response_time_ms": _response(group), "satisfaction": _liked(group),
            "escalation_rate": mean([any(role == "escalated" for role, _ in talk.spoken) for talk in group]),
            "errors_per_conversation": mean([talk.errors for talk in group]),
            "cost_cents_per_conversation": mean([talk.cost for talk in group]),
        }
        for channel, group in by(found, lambda talk: [talk.first("channel")]).items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row["conversations"], row["channel"]))[: question.most]


def conversation_correlations(question: Any, events: Events, when: When) -> Rows:
    """Every category against what is outside it."""
    found = talks(question, events, when)
    if not _enough(question, found):
        return []
    parts = ("night", "morning", "afternoon", "evening")
    over = [(talk, float(talk.status == "completed")) for talk in found if talk.status != "active"]
    rated = [(talk, talk.liked) for talk in found if talk.liked is not None]
    lasted = [(talk, float(talk.seconds)) for talk in found if talk.seconds is not None]
    pairs: dict[str, tuple[list[tuple[Talk, float]], Callable[[Talk], Iterable[str]]]] = {
        "channel_satisfaction": (rated, lambda talk: [talk.first("channel")]),
        "hour_completion": (over, lambda talk: [parts[local(talk.began, when).hour // 6]]),
        "intent_duration": (lasted, lambda talk: talk.intents),
        "weekday_completion": (over, lambda talk: [str(local(talk.began, when).isoweekday())]),
    }
    rows = []
    for pair, (values, keys) in pairs.items():
        for category, group in by([talk for talk, _ in values], keys).items():
            inside = [value for talk, value in values if talk in group]
            outside = [value for talk, value in values if talk not in group]
            if min(len(inside), len(outside)) >= question.least and _varies(pair, inside, outside):
                row = {"pair": pair, "category": category, "conversations": len(inside), "others": len(outside)}
                row |= {"value": mean(inside), "others_value": mean(outside)}
                rows.append(row | {"difference": mean(inside) - mean(outside)})
    return sorted(rows, key=lambda row: (row["pair"], -row["conversations"], row["category"]))


def _varies(pair: str, inside: list[float], outside: list[float]) -> bool:
    """Whether there is anything to test: rates differ at all, or values within one of the two."""
    if pair.endswith("completion"):
        return len({*inside, *outside}) > 1
    return any(max(values) - min(values) > 1e-9 for values in (inside, outside))


def conversation_sentiment(question: Any, events: Events, when: When) -> Rows:
    """One by one."""
    if question.user is not None:
        events = of(question.user, events)
    found = [talk for talk in talks(question, events, when) if talk.felt]
    found.sort(key=lambda talk: talk.name.encode())
    found.sort(key=lambda talk: talk.began, reverse=True)
    return [
        {
            "conversation_id": talk.name, "user_id": (talk.users or [""])[0], "start_time": talk.began,
            "completion_status": talk.status, "scored_messages": len(talk.felt), "trajectory": talk.felt[:100],
            "initial_sentiment": talk.felt[0], "final_sentiment": talk.felt[-1],
            "change": talk.felt[-1] - talk.felt[0], "mean_sentiment": mean(talk.felt),
            "negative_ratio": mean([one <= -0.05 for one in talk.felt]),
        }
        for talk in found[: question.most]
    ]  # fmt: skip


ORACLES: tuple[Oracle, ...] = (
    conversation_metrics, user_behavior, conversation_patterns, conversation_outcomes, conversation_times,
    conversation_flows, conversation_drop_off, conversation_intents, conversation_channels, conversation_correlations,
    conversation_sentiment,
)  # fmt: skip
