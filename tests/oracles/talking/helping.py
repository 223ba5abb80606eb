"""Oracles of help: what stays unresolved, who asks, and about what."""

import json
from collections import defaultdict
from datetime import timedelta
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import DAY, Events, Oracle, Rows, day_of, last
from tests.oracles.talking.talks import Talk, Talks, by, people, role_of, talks


def unresolved_questions(question: Any, events: Events, when: When) -> Rows:
    """By subject."""
    found = talks(question, events, when)
    rows: Rows = []
    for subject, group in by(found, lambda talk: talk.subjects or [""]).items():
        over = [(talk, _reasons(question, subject, talk, group)) for talk in group if talk.status != "active"]
        if not over:
            continue
        open_ones = [talk for talk, reasons in over if any(reasons.values())]
        counts = {name: sum(reasons[name] for _, reasons in over) for name in over[0][1]}
        row = {"subject": subject, "questions": len(over), "people": people(talk for talk, _ in over)}
        row |= {"unresolved": len(open_ones), "people_unresolved": people(open_ones)}
        rows.append(row | counts | {"unresolved_rate": len(open_ones) / len(over)})
    return sorted(rows, key=lambda row: (-row["unresolved"], -row["questions"], row["subject"]))[: question.most]


def _reasons(question: Any, subject: str, talk: Talk, group: Talks) -> dict[str, bool]:
    is_last = (talk.subjects or [""])[-1] == subject
    later = [
        other for other in group
        if talk.users and other.users[:1] == talk.users[:1]
        and (talk.began, talk.name.encode()) < (other.began, other.name.encode())
        and other.began <= talk.began + question.again_days * DAY
    ]  # fmt: skip
    return {
        "asked_again": talk.subjects.count(subject) > 1 or (subject != "" and bool(later)),
        "escalated": is_last and any(role == "escalated" for role, _ in talk.spoken),
        "abandoned": is_last and talk.status == "abandoned",
        "unanswered": is_last and talk.status != "completed" and [role for role, _ in talk.turns[-1:]] == ["user"],
        "rated_low": talk.liked is not None and talk.liked < 0.5,
    }


def help_seeking(question: Any, events: Events, when: When) -> Rows:
    """By learner, course and concept."""
    groups: dict[tuple[str, str, str], Rows] = defaultdict(list)
    for event in last(events, when, question.days):
        counts = role_of(event) == "user" or (event.get("score") is not None and not _is_message(event))
        mine = question.user in (None, event["user"]) and question.course in ("", event.get("course", ""))
        if counts and mine and event["user"]:
            groups[event["user"], event.get("course", ""), event.get("concept", "")].append(event)
    rows: Rows = []
    for (user, course, concept), group in groups.items():
        asked = sorted(event["timestamp"] for event in group if _is_message(event))
        tries = [event for event in group if not _is_message(event)]
        failed = [event["timestamp"] for event in tries if event["score"] < 50]
        within = timedelta(minutes=question.within_minutes)
        helped = sum(any(moment <= one <= moment + within for one in asked) for moment in failed)
        rows.append(
            {
                "user_id": user, "course": course, "concept": concept, "messages": len(asked),
                "days_asked": len({day_of(event, when) for event in group if _is_message(event)}),
                "first_asked": min(asked, default=None), "last_asked": max(asked, default=None),
                "attempts": len(tries), "failed_attempts": len(failed), "asked_after_failing": helped,
                "asking_rate": helped / len(failed) if failed else None,
                "avoids_help": len(failed) >= 3 and not helped,
            }
        )  # fmt: skip
    names = ("user_id", "course", "concept")
    rows.sort(
        key=lambda r: (-r["messages"], -r["failed_attempts"], -r["attempts"], *(r[name].encode() for name in names))
    )
    return rows[: question.most]


def _is_message(event: dict[str, Any]) -> bool:
    return role_of(event) in ("user", "bot")


def topics(question: Any, events: Events, when: When) -> Rows:
    """In a world whose messages are one of a few texts without a word in common, each text is a topic."""
    asked = [
        event for event in last(events, when, question.days)
        if role_of(event) == "user" and event["user"] and event.get("said") is not None
        and question.course in ("", event.get("course", ""))
    ]  # fmt: skip
    said = defaultdict(list)
    for event in asked:
        said[json.loads(event["said"])["message"]].append(event)
    rows: Rows = [
        {"terms": sorted(text.split()), "messages": len(group), "people": people, "share": len(group) / len(asked)}
        for text, group in said.items()
        if (people := len({event["user"] for event in group})) >= question.least_people
    ]
    rows.sort(key=lambda row: (-row["messages"], row["terms"]))
    return [row | {"topic": number} for number, row in enumerate(rows, 1)]


ORACLES: tuple[Oracle, ...] = (unresolved_questions, help_seeking, topics)
