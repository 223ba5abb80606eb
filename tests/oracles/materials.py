"""Oracles of materials: pages, sections, problems and videos; and of what arrives."""

import json
import math
import statistics
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import Events, Oracle, Rows, day_of, last, people
from tests.oracles.learning import ATTEMPTS, PAGES, VIDEOS, asked, attempts, by_bytes, of_somebody

HINTS, SOLUTIONS = {"hint_request", "hint_view"}, {"answer_view", "solution_view"}
SECONDS_A_DAY = 86_400


def _properties(event: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event.get("properties", "{}"))
    return found


def _contents(events: Events) -> dict[str, Rows]:
    """By content, what somebody did with it."""
    seen = [event for event in of_somebody(events) if event["content"]]
    return {name: [e for e in seen if e["content"] == name] for name in by_bytes({e["content"] for e in seen})}


def _most(rows: Rows, by: str, question: Any) -> Rows:
    return sorted(rows, key=lambda row: -row[by])[: question.limit]


def page_engagement(question: Any, events: Events, when: When) -> Rows:
    """Views, and who came back on another day."""
    rows = []
    views = [event for event in asked(question, events, when) if event["type"] in PAGES]
    for content, seen in _contents(views).items():
        days = {user: {day_of(event, when) for event in seen if event["user"] == user} for user in people(seen)}
        rows.append(
            {
                "content": content,
                "views": len(seen),
                "learners": len(days),
                "returned": sum(len(one) > 1 for one in days.values()),
                "seconds": sum(event["duration"] or 0.0 for event in seen),
            }
        )
    return _most(rows, "views", question)


def section_engagement(question: Any, events: Events, when: When) -> Rows:
    """Who used how many of a section's contents."""
    kinds = {"pages": PAGES, "videos": {"video_play"}, "problems": ATTEMPTS}[question.what]

    def section(event: dict[str, Any]) -> str:
        return str(event["concept"] if question.by == "concept" else _properties(event).get(question.by, ""))

    seen = of_somebody(asked(question, events, when))
    seen = [event for event in seen if event["type"] in kinds and event["content"] and section(event)]
    rows = []
    for name in by_bytes({section(event) for event in seen}):
        here = [event for event in seen if section(event) == name]
        contents = {event["content"] for event in here}
        whole = [user for user in people(here) if {e["content"] for e in here if e["user"] == user} == contents]
        rows.append(
            {
                "section": name,
                "contents": len(contents),
                "learners": len(people(here)),
                "all": len(whole),
                "some": len(people(here)) - len(whole),
                "none": len(people(seen) - people(here)),
            }
        )
    return rows


def problem_engagement(question: Any, events: Events, when: When) -> Rows:
    """How each learner got through."""
    rows = []
    for content, seen in _contents(asked(question, events, when)).items():
        scores = {user: [e["score"] for e in attempts(seen) if e["user"] == user] for user in people(attempts(seen))}
        if not scores:
            continue
        passed = [[score >= question.passing for score in one] for one in scores.values()]
        places = [one.index(True) + 1 for one in passed if any(one)]
        asking = [event["type"] for event in seen if event["user"] in scores]
        rows.append(
            {
                "content": content,
                "learners": len(scores),
                "attempts": sum(map(len, scores.values())),
                "passed": len(places),
                "passed_at_first": places.count(1),
                "mean_score": statistics.fmean(score for one in scores.values() for score in one),
                "mean_last_score": statistics.fmean(one[-1] for one in scores.values()),
                "attempts_to_pass": statistics.fmean(places) if places else None,
                "hints": sum(kind in HINTS for kind in asking),
                "solutions": sum(kind in SOLUTIONS for kind in asking),
            }
        )
    return _most(rows, "attempts", question)


def responses(question: Any, events: Events, when: When) -> Rows:
    """What each learner answered at first, or in the end."""
    of_each: dict[str, list[tuple[Any, float, str]]] = {}
    for event in of_somebody(asked(question, events, when)):
        told = _properties(event)
        given = told["response"] if "response" in told else told.get("answer")
        if event["type"] in ATTEMPTS and event["content"] == question.content and given not in (None, ""):
            text = given if isinstance(given, str) else json.dumps(given, separators=(",", ":"))
            points = -1.0 if event["score"] is None else event["score"]
            of_each.setdefault(event["user"], []).append((event["timestamp"], points, text))
    chosen = [min(one) if question.which == "first" else max(one) for one in of_each.values()]
    rows = []
    for text, learners in Counter(text for _, _, text in chosen).items():
        points = [score for _, score, one in chosen if one == text and score >= 0]
        rows.append(
            {
                "response": text,
                "learners": learners,
                "share": learners / len(chosen),
                "mean_score": statistics.fmean(points) if points else None,
            }
        )
    return sorted(rows, key=lambda row: (-row["learners"], row["response"]))[: question.limit]  # type: ignore[operator]


def _number(told: dict[str, Any], *names: str) -> float:
    return next((float(told[name]) for name in names if told.get(name) is not None), -1.0)


def _video(event: dict[str, Any]) -> tuple[Any, int, float, float, float]:
    """When, what kind, where it begins to be watched, where it ends, and the video's length; -1: not there."""
    told, kind = _properties(event), event["type"]
    here, long = _number(told, "position", "current_time", "currentTime"), _number(told, "length", "video_length")
    match kind:
        case "video_play":
            return event["timestamp"], 3, here, -1.0, long
        case "video_seek":
            ends = _number(told, "from", "old_time")
            return event["timestamp"], 1, _number(told, "to", "new_time"), here if ends < 0 else ends, long
        case "video_complete":
            return event["timestamp"], 2, -1.0, long if here < 0 else here, long
    return event["timestamp"], 0, -1.0, here, long


def _segments(told: list[tuple[Any, int, float, float, float]]) -> list[tuple[float, float]]:
    return [(one[2], after[3]) for one, after in pairwise(told) if one[2] >= 0 and after[3] > one[2]]


def _distinct(parts: list[tuple[float, float]]) -> float:
    total, reached = 0.0, 0.0
    for begins, ends in sorted(parts):
        total += max(0.0, ends - max(begins, reached))
        reached = max(reached, ends)
    return total


def video_engagement(question: Any, events: Events, when: When) -> Rows:
    """Each learner's segments."""
    rows = []
    videos = [event for event in asked(question, events, when) if event["type"] in VIDEOS]
    for content, seen in _contents(videos).items():
        told = {user: sorted(_video(e) for e in seen if e["user"] == user) for user in people(seen)}
        players = [one for one in told.values() if any(kind == 3 for _, kind, *_ in one)]
        if not players:
            continue
        longest = max(one[4] for all_of in told.values() for one in all_of)
        length = None if longest == -1 else longest
        full = [
            any(kind == 2 for _, kind, *_ in one)
            or (length is not None and length > 0 and _distinct(_segments(one)) >= question.full * length)
            for one in players
        ]
        plays = [sum(kind == 3 for _, kind, *_ in one) for one in players]
        rows.append(
            {
                "content": content,
                "learners": len(players),
                "plays": sum(plays),
                "repeated": sum(n > 1 for n in plays),
                "full": sum(full),
                "full_rate": sum(full) / len(players),
                "length_seconds": length,
                "watched_seconds": sum(ends - begins for one in told.values() for begins, ends in _segments(one)),
                "distinct_seconds": sum(_distinct(_segments(one)) for one in told.values()),
                "seeks": sum(kind == 1 for one in told.values() for _, kind, *_ in one),
            }
        )
    return _most(rows, "plays", question)


def video_heatmap(question: Any, events: Events, when: When) -> Rows:
    """Each part of the video, and whose segments reach into it."""
    seen = [e for e in of_somebody(asked(question, events, when)) if e["type"] in VIDEOS]
    seen = [event for event in seen if event["content"] == question.content]
    views, begun, ended = Counter[int](), Counter[int](), Counter[int]()
    viewers: dict[int, set[str]] = {}
    size = question.part_seconds
    for user in people(seen):
        told = sorted(map(_within_a_day, (_video(event) for event in seen if event["user"] == user)))
        for begins, ends in _segments(told):
            for part in range(math.floor(begins / size), math.ceil(ends / size)):
                views[part] += 1
                viewers.setdefault(part, set()).add(user)
        begun.update(math.floor(one[3] / size) for one in told if one[1] == 1 and one[3] >= 0)
        ended.update(math.floor(one[2] / size) for one in told if one[1] == 1 and one[2] >= 0)
    return [
        {
            "from_second": part * size,
            "views": views[part],
            "learners": len(viewers.get(part, ())),
            "repeats": views[part] - len(viewers.get(part, ())),
            "seeks_from": begun[part],
            "seeks_to": ended[part],
        }
        for part in sorted({*views, *begun, *ended})
    ]


def _within_a_day(one: tuple[Any, int, float, float, float]) -> tuple[Any, int, float, float, float]:
    moment, kind, begins, ends, long = one
    return moment, kind, *(-1.0 if place > SECONDS_A_DAY else place for place in (begins, ends)), long


def learner_videos(question: Any, events: Events, when: When) -> Rows:
    """The same of one learner."""
    return video_engagement(question, events, when)


def learner_video_parts(question: Any, events: Events, when: When) -> Rows:
    """The same of one learner."""
    return video_heatmap(question, events, when)


def arrivals(question: Any, events: Events, when: When) -> Rows:
    """What came from each source."""
    seen = last(events, when, question.days)
    rows = []
    for source in by_bytes({event.get("source", "") for event in seen}):
        here = [event for event in seen if event.get("source", "") == source]
        rows.append(
            {
                "source": source,
                "dialect": "story",
                "events": len(here),
                "people": len(people(here)),
                "courses": len({event["course"] for event in here} - {""}),
                "types": len({event["type"] for event in here}),
                "last_event": max(event["timestamp"] for event in here),
                "last_received": max(event["received"] for event in here),
                "late": sum(event["received"] - event["timestamp"] > timedelta(hours=24) for event in here),
            }
        )
    return sorted(rows, key=lambda row: (-row["events"], row["source"]))


ORACLES: tuple[Oracle, ...] = (
    page_engagement,
    section_engagement,
    problem_engagement,
    responses,
    video_engagement,
    video_heatmap,
    learner_videos,
    learner_video_parts,
    arrivals,
)
