"""Oracles of courses: who is in them, active, at risk, and with what grades."""

import json
import math
import statistics
from collections import Counter
from datetime import date, datetime
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import DAY, Events, Oracle, Rows, day_of, days_back, ever, people, today
from tests.oracles.learning import ATTEMPTS, DONE, PAGES, VIDEOS, asked, attempts, by_bytes, of_somebody

ENROLMENTS = {"enrolment", "enrollment"}
WITHDRAWALS = {"withdrawal", "unenrolment", "unenrollment"}
HINTS = {"hint_request", "hint_view", "answer_view", "solution_view"}


def _courses(question: Any, events: Events, when: When) -> dict[str, Rows]:
    """By course, what somebody did or was enrolled to in it ever."""
    seen = [event for event in of_somebody(ever(events, when)) if event["course"]]
    if question.course is not None:
        seen = [event for event in seen if event["course"] == question.course]
    return {course: [e for e in seen if e["course"] == course] for course in by_bytes({e["course"] for e in seen})}


def _last_day(events: Events, when: When) -> date | None:
    return max((day_of(event, when) for event in events), default=None)


def _of(types: set[str], events: Events) -> Rows:
    return [event for event in events if event["type"] in types]


class _Place:
    """One person's place in one course."""

    def __init__(self, events: Events, when: When) -> None:
        self.acts = [event for event in events if event["type"] not in ENROLMENTS | WITHDRAWALS]
        self.visited = _last_day(self.acts, when)
        self.joined = _last_day(_of(ENROLMENTS, events), when)
        left = _last_day(_of(WITHDRAWALS, events), when)
        self.enrolled = self.joined is not None and (left is None or self.joined > left)
        self.withdrawn = left is not None and not self.enrolled
        self.completed = bool(_of({"course_complete"}, events))

    def at_risk(self, absent_days: int, when: When) -> bool:
        days = [day for day in (self.visited, self.joined) if day]
        absent = bool(days) and max(days) <= today(when) - absent_days * DAY
        return absent and not self.completed and not self.withdrawn


def course_comparison(question: Any, events: Events, when: When) -> Rows:
    """Everyone's place, counted."""
    rows = []
    for course, seen in _courses(question, events, when).items():
        places = [_Place([e for e in seen if e["user"] == user], when) for user in people(seen)]
        shown = set(days_back(when, question.days))
        acts = [event for place in places for event in place.acts if day_of(event, when) in shown]
        rows.append(
            {
                "course": course,
                "learners": len(places),
                "active": len(people(acts)),
                "enrolled": sum(place.enrolled for place in places),
                "withdrawn": sum(place.withdrawn for place in places),
                "completed": sum(place.completed for place in places),
                "completion_rate": sum(place.completed for place in places) / len(places),
                "at_risk": sum(place.at_risk(question.absent_days, when) for place in places),
                "events": len(acts),
                "hours": sum(event["duration"] or 0.0 for event in acts) / 3600,
            }
        )
    return sorted(rows, key=lambda row: (-row["learners"], row["course"].encode()))


def at_risk(question: Any, events: Events, when: When) -> Rows:
    """Who was absent."""
    rows: Rows = []
    for course, seen in _courses(question, events, when).items():
        for user in people(seen):
            place = _Place([event for event in seen if event["user"] == user], when)
            if place.at_risk(question.absent_days, when):
                last = max(day for day in (place.visited, place.joined) if day)
                rows.append(
                    {
                        "user_id": user,
                        "course_id": course,
                        "last_active": place.visited,
                        "enrolled": place.joined,
                        "days_away": (today(when) - last).days,
                    }
                )
    order = sorted(rows, key=lambda row: (-row["days_away"], row["course_id"].encode(), row["user_id"].encode()))
    return order[: question.limit]


def _grades(question: Any, events: Events, when: When) -> dict[str, list[float]]:
    tried = of_somebody(attempts(asked(question, events, when)))
    content = getattr(question, "content", None)
    tried = [event for event in tried if content is None or event["content"] == content]
    found: dict[str, list[float]] = {}
    for course in by_bytes({event["course"] for event in tried}):
        for user in sorted(people(tried)):
            mine = [event for event in tried if (event["course"], event["user"]) == (course, user)]
            if mine:
                last = {event["content"]: event["score"] for event in mine}
                found.setdefault(course, []).append(sum(last.values()) / len(last))
    return found


def grade_distribution(question: Any, events: Events, when: When) -> Rows:
    """Grades, sorted into ranges."""
    rows = []
    for course, grades in _grades(question, events, when).items():
        most = 100 // question.width
        places = Counter(min(math.floor(grade / question.width), most - 1) for grade in grades)
        rows += [
            {
                "course": course,
                "from_score": n * question.width,
                "to_score": (n + 1) * question.width,
                "learners": places[n],
                "graded": len(grades),
                "share": places[n] / len(grades),
            }
            for n in range(most)
        ]
    return rows


def pass_rate(question: Any, events: Events, when: When) -> Rows:
    """Grades, and how many pass."""
    return [
        {
            "course": course,
            "graded": len(grades),
            "passing": sum(grade >= question.passing for grade in grades),
            "pass_rate": sum(grade >= question.passing for grade in grades) / len(grades),
            "mean_grade": statistics.fmean(grades),
            "median_grade": statistics.median(grades),
        }
        for course, grades in _grades(question, events, when).items()
    ]


def _told(events: Events) -> list[tuple[datetime, bool, str]]:
    """Enrolments (true) and withdrawals in order, with the track."""
    return sorted(
        (event["timestamp"], event["type"] in ENROLMENTS, _track(event))
        for event in events
        if event["type"] in ENROLMENTS | WITHDRAWALS
    )


def _track(event: dict[str, Any]) -> str:
    told = json.loads(event.get("properties", "{}"))
    return str(told.get("track") or told.get("mode") or "")


def enrolments(question: Any, events: Events, when: When) -> Rows:
    """Who is enrolled at the end of each day."""
    changes: Counter[tuple[date, bool]] = Counter()
    for seen in _courses(question, events, when).values():
        for user in people(seen):
            now = False
            for moment, joins, _ in _told([event for event in seen if event["user"] == user]):
                if joins != now:
                    changes[day_of({"timestamp": moment}, when), joins] += 1
                now = joins
    return [
        {
            "day": day,
            "enrolled": changes[day, True],
            "withdrawn": changes[day, False],
            "current": sum((1 if joins else -1) * n for (at, joins), n in changes.items() if at <= day),
        }
        for day in days_back(when, question.days)
    ]


def enrolment_tracks(question: Any, events: Events, when: When) -> Rows:
    """Where the last word is an enrolment."""
    rows = []
    for course, seen in _courses(question, events, when).items():
        last = [_told([event for event in seen if event["user"] == user])[-1:] for user in people(seen)]
        tracks = Counter(track for one in last for _, joins, track in one if joins)
        found = [{"course": course, "track": track, "learners": n} for track, n in tracks.items()]
        rows += sorted(found, key=lambda row: (-row["learners"], row["track"]))  # type: ignore[operator]
    return rows


def course_activity(question: Any, events: Events, when: When) -> Rows:
    """What was done on each day."""
    rows = []
    for course, seen in _courses(question, events, when).items():
        acts = [event for event in seen if event["type"] not in ENROLMENTS | WITHDRAWALS]
        for day in days_back(when, question.days):
            here = [event for event in acts if day_of(event, when) == day]
            if here:
                kinds = [event["type"] for event in here]
                rows.append(
                    {
                        "course": course,
                        "day": day,
                        "learners": len(people(here)),
                        "events": len(here),
                        "pages": sum(kind in PAGES for kind in kinds),
                        "videos": kinds.count("video_play"),
                        "attempts": sum(kind in ATTEMPTS for kind in kinds),
                        "hints": sum(kind in HINTS for kind in kinds),
                    }
                )
    return rows


def learner_progress(question: Any, events: Events, when: When) -> Rows:
    """The learner's place in each course."""
    rows = []
    for course, seen in _courses(question, [e for e in events if e["user"] == question.user], when).items():
        place, told = _Place(seen, when), _told(seen)
        joins = [one for one in told if one[1]]
        last = {event["content"]: event["score"] for event in attempts(seen)}
        grade = sum(last.values()) / len(last) if last else None
        status = "unknown" if not told else "enrolled" if told[-1][1] else "withdrawn"
        rows.append(
            {
                "course": course,
                "status": "completed" if place.completed else status,
                "enrolled": joins[-1][0] if joins else None,
                "track": joins[-1][2] if joins else "",
                "last_visit": max((event["timestamp"] for event in place.acts), default=None),
                "days_active": len({day_of(event, when) for event in place.acts}),
                "used": len({e["content"] for e in seen if e["type"] in PAGES | VIDEOS | DONE} - {""}),
                "completed": len({e["content"] for e in seen if e["type"] in DONE} - {""}),
                "attempts": len(attempts(seen)),
                "grade": grade,
                "passing": None if grade is None else grade >= question.passing,
            }
        )
    return rows


def learner_contents(question: Any, events: Events, when: When) -> Rows:
    """What the learner did with each content."""
    seen = [event for event in asked(question, events, when) if event["content"]]
    rows = []
    for course, content in {(event["course"], event["content"]) for event in seen}:
        mine = [event for event in seen if (event["course"], event["content"]) == (course, content)]
        kinds, scores = [event["type"] for event in mine], [event["score"] for event in attempts(mine)]
        rows.append(
            {
                "course": course,
                "content": content,
                "concept": max(mine, key=lambda event: (event["timestamp"], event["concept"]))["concept"],
                "views": sum(kind in PAGES for kind in kinds),
                "plays": kinds.count("video_play"),
                "completed": any(kind in DONE for kind in kinds),
                "attempts": sum(kind in ATTEMPTS for kind in kinds),
                "hints": sum(kind in HINTS for kind in kinds),
                "first_score": scores[0] if scores else None,
                "best_score": max(scores, default=None),
                "last_score": scores[-1] if scores else None,
                "seconds": sum(event["duration"] or 0.0 for event in mine),
                "last": max(event["timestamp"] for event in mine),
            }
        )
    rows.sort(key=lambda row: (row["course"], row["content"]))
    return sorted(rows, key=lambda row: row["last"], reverse=True)[: question.limit]


ORACLES: tuple[Oracle, ...] = (
    course_comparison,
    at_risk,
    grade_distribution,
    pass_rate,
    enrolments,
    enrolment_tracks,
    course_activity,
    learner_progress,
    learner_contents,
)
