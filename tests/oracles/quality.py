"""Oracles of data quality: how good the data is, what is in it, what is wrong with it."""

import json
import re
from collections import Counter
from datetime import timedelta
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import COMPLETIONS, STARTS, Events, Oracle, Rows, calendar, day_of, last

MOST = 20
KINDS = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}


def data_quality(question: Any, events: Events, when: When) -> Rows:
    """Day by day, the whole day first, then its sources. What was not taken is an event with a `reason`."""
    seen = [one for one in calendar(events, when, question.days) if question.source in (None, source(one))]
    usual = spellings([one for one in seen if "reason" not in one])
    keys = {(day_of(one, when), name) for one in seen for name in (None, source(one))}
    ordered = sorted(keys, key=lambda key: (key[0], key[1] is not None, key[1] or ""))
    rows = []
    for day, name in ordered:
        own = [one for one in seen if day_of(one, when) == day and name in (None, source(one))]
        rows.append({"day": day, "source": name} | quality(own, question, usual))
    return rows


def quality(found: Rows, question: Any, usual: dict[str, str]) -> dict[str, Any]:
    """The shares of some events, and what lowers them."""
    taken = [one for one in found if "reason" not in one]
    lost = Counter(one["reason"] for one in found if "reason" in one)
    duplicates = lost.pop("duplicate", 0)
    lowered: Counter[tuple[str, str, str]] = Counter()
    should = there = sent = late = wrong = 0
    for one in taken:
        for name, value in wanted(one, question.expected):
            should += 1
            there += value
            lowered["completeness", f"no_{name}", ""] += not value
        if not one.get("dialect", "").startswith("import"):
            sent += 1
            is_late = one["received"] - one["timestamp"] > timedelta(seconds=question.late_after_seconds)
            late += is_late
            lowered["timeliness", "late", ""] += is_late
        lowered["validity", "invalid", one["type"]] += is_invalid(one)
        flaws = contradictions(one, usual)
        wrong += bool(flaws)
        lowered.update(flaws)
    lowered.update({("validity", reason, ""): count for reason, count in lost.items()})
    lowered["uniqueness", "duplicate", ""] += duplicates
    invalid, refused = sum(map(is_invalid, taken)), sum(lost.values())
    shares = {
        "validity": share(len(taken) - invalid, len(taken) + refused),
        "completeness": share(there, should),
        "timeliness": share(sent - late, sent),
        "uniqueness": share(len(taken), len(taken) + duplicates),
        "consistency": share(len(taken) - wrong, len(taken)),
    }
    measured = [value for value in shares.values() if value is not None]
    reasons = sorted((-count, *key) for key, count in lowered.items() if count)
    return {
        "events": len(taken),
        "refused": refused,
        "duplicates": duplicates,
        **shares,
        "score": sum(measured) / len(measured) if measured else None,
        "lowered_by": [
            {"dimension": dimension, "reason": reason, "detail": detail, "events": -count}
            for count, dimension, reason, detail in reasons[:MOST]
        ],
    }


def wanted(event: dict[str, Any], expected: tuple[str, ...]) -> list[tuple[str, bool]]:
    """Which values an event should have, and whether they are there."""
    about_content = event["type"] in (STARTS | COMPLETIONS) - {"course_complete"}
    names = sorted(set(expected) | ({"content"} if about_content else set()))
    found = [(name, bool(event.get(name))) for name in names]
    return found + ([("score", event.get("score") is not None)] if event["type"] == "quiz_completion" else [])


def contradictions(event: dict[str, Any], usual: dict[str, str]) -> list[tuple[str, str, str]]:
    """What of an event contradicts itself, or others."""
    score, duration = event.get("score"), event.get("duration")
    found = {
        ("clock_ahead", ""): event["timestamp"] - event["received"] > timedelta(minutes=1),
        ("score_outside", ""): score is not None and not 0 <= score <= 100,
        ("duration_outside", ""): duration is not None and not 0 <= duration <= 86_400,
        ("spelling", event["type"]): usual[bare(event["type"])] != event["type"],
    }
    return [("consistency", *key) for key, is_so in found.items() if is_so]


def spellings(events: Rows) -> dict[str, str]:
    """How each type is spelled most often, of equals the first of the alphabet."""
    counted = Counter(event["type"] for event in events)
    found: dict[str, str] = {}
    for type in sorted(counted):
        best = found.get(bare(type))
        if best is None or counted[type] > counted[best]:
            found[bare(type)] = type
    return found


def bare(type: str) -> str:
    """Letters and digits only, in small letters."""
    return re.sub(r"[\W_]", "", type.casefold()) or type


def source(event: dict[str, Any]) -> str:
    """Where it came from."""
    return str(event.get("source", ""))


def is_invalid(event: dict[str, Any]) -> bool:
    """Whether the way in has marked it."""
    context = json.loads(event.get("properties", "{}")).get("context", {})
    return isinstance(context, dict) and "problems" in context


def share(part: int, whole: int) -> float | None:
    """From 0 to 100."""
    return 100 * part / whole if whole else None


def schema_problems(question: Any, events: Events, when: When) -> Rows:
    """Problems by type and source."""
    found: dict[tuple[str, str, str], Rows] = {}
    for event in last(events, when, question.days):
        if is_invalid(event):
            problems = json.loads(event["properties"])["context"]["problems"]
            for problem in {re.sub(r"\[\d+\]", "[]", one) for one in problems}:
                found.setdefault((event["type"], source(event), problem), []).append(event)
    rows = [
        {"type": key[0], "source": key[1], "problem": key[2], "events": len(of), "last": newest(of)}
        for key, of in found.items()
    ]
    return sorted(rows, key=lambda row: (-row["events"], row["type"], row["source"], row["problem"]))


def event_properties(question: Any, events: Events, when: When) -> Rows:
    """Properties by type and name."""
    seen = [event for event in last(events, when, question.days) if question.type in (None, event["type"])]
    of_type = Counter(event["type"] for event in seen)
    found: dict[tuple[str, str], list[tuple[Any, dict[str, Any]]]] = {}
    for event in seen:
        for name, value in json.loads(event.get("properties", "{}")).items():
            found.setdefault((event["type"], name), []).append((value, event))
    rows = [
        {
            "type": type,
            "property": name,
            "events": len(of),
            "share": len(of) / of_type[type],
            "kinds": sorted({"null" if value is None else KINDS[value.__class__] for value, _ in of}),
            "last": newest([event for _, event in of]),
        }
        for (type, name), of in found.items()
    ]
    return sorted(rows, key=lambda row: (-row["events"], row["type"], row["property"]))


def newest(events: Rows) -> Any:
    """When the last of them happened, to the millisecond."""
    moment = max(event["timestamp"] for event in events)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


ORACLES: tuple[Oracle, ...] = (data_quality, schema_problems, event_properties)
