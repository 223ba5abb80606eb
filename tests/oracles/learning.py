"""Oracles of learning: mastery, items, the effect of contents, and time on task."""

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import Events, Oracle, Rows, day_of, ever, last, people

ATTEMPTS = {"quiz_completion", "quiz_attempt", "problem_attempt", "question_answered", "assessment_completion"}
PAGES = {"page_view", "content_view", "content_start", "material_view"}
VIDEOS = {"video_play", "video_pause", "video_seek", "video_stop", "video_complete"}
DONE = {"content_completion", "completion", "material_complete", "video_complete"}

DEFAULTS = {"initial": 0.3, "learn": 0.15, "slip": 0.1, "guess": 0.2}


def asked(question: Any, events: Events, when: When) -> Rows:
    """What the question is about: of its course, its user and its days."""
    days = getattr(question, "days", None)
    seen = ever(events, when) if days is None else last(events, when, days)
    if question.course is not None:
        seen = [event for event in seen if event["course"] == question.course]
    user = getattr(question, "user", None)
    return [event for event in seen if user is None or event["user"] == user]


def by_bytes(texts: Any) -> list[str]:
    """Texts in the order of their bytes, as the engine sorts them."""
    return sorted(texts, key=str.encode)


def attempts(events: Events) -> Rows:
    """Attempts with a score, in order."""
    tried = [event for event in events if event["type"] in ATTEMPTS and event["score"] is not None]
    return sorted(tried, key=lambda event: (event["timestamp"], event["score"]))


def of_somebody(events: Events) -> Rows:
    """Without the empty user's."""
    return [event for event in events if event["user"]]


def topic(event: dict[str, Any]) -> str:
    """What an attempt is on."""
    return str(event["concept"] or event["content"])


def _known(tries: list[bool], model: Mapping[str, float]) -> float:
    """By Bayes' rule over the paths: known since before the n-th attempt, or not yet after all."""
    if not tries:
        return model["initial"]
    paths = _paths(tries, model)
    learnt = paths[-1] * model["learn"]
    return (sum(paths[:-1]) + learnt) / sum(paths)


def _paths(tries: Any, model: Mapping[str, float]) -> list[float]:
    """How likely these attempts are together with having known since the n-th one; the last: with not knowing."""
    found = []
    for since in range(len(tries) + 1):
        chance = model["initial"] if since == 0 else 1 - model["initial"]
        for n, right in enumerate(tries):
            known = n >= since
            if known:
                chance *= 1 - model["slip"] if right else model["slip"]
            else:
                chance *= model["guess"] if right else 1 - model["guess"]
                if n + 1 < len(tries):
                    chance *= model["learn"] if n + 1 == since else 1 - model["learn"]
        found.append(chance)
    return found


def likelihood(model: Any, patterns: Mapping[tuple[bool, ...], int]) -> float:
    """The log-likelihood of attempts."""
    named = {name: getattr(model, name) for name in DEFAULTS}
    return sum(math.log(sum(_paths(tries, named))) * learners for tries, learners in patterns.items())


def fit_by_paths(patterns: Mapping[tuple[bool, ...], int]) -> dict[str, float]:
    """Sixty rounds of expectation maximisation, every path of every learner looked at."""
    bounds = {"initial": (0.01, 0.99), "learn": (0.01, 0.99), "slip": (0.01, 0.3), "guess": (0.01, 0.4)}
    model = dict(DEFAULTS)
    for _ in range(60):
        held, could = dict.fromkeys(bounds, 0.0), dict.fromkeys(bounds, 0.0)
        for tries, learners in patterns.items():
            paths = _paths(tries, model)
            for since, chance in enumerate(paths):
                weight = learners * chance / sum(paths)
                could["initial"] += weight
                held["initial"] += weight * (since == 0)
                for n, right in enumerate(tries):
                    name = "slip" if n >= since else "guess"
                    could[name] += weight
                    held[name] += weight * (right == (name == "guess"))
                    if n < since and n + 1 < len(tries):
                        could["learn"] += weight
                        held["learn"] += weight * (n + 1 == since)
        for name, (low, high) in bounds.items():
            if could[name] > 0:
                model[name] = min(max(held[name] / could[name], low), high)
    return model


def mastery(question: Any, events: Events, when: When) -> Rows:
    """The rule and the model, concept by concept."""
    mine = [event for event in attempts(asked(question, events, when)) if topic(event)]
    model = {name: getattr(question, name) for name in DEFAULTS}
    rows = []
    for concept in by_bytes({topic(event) for event in mine}):
        scores = [event["score"] for event in mine if topic(event) == concept]
        tries = [score >= question.passing for score in scores]
        known = _known(tries[-12:], model)
        share = statistics.fmean(tries[-question.recent :])
        rows.append(
            {
                "concept": concept,
                "attempts": len(tries),
                "passed": sum(tries),
                "last_attempt": max(event["timestamp"] for event in mine if topic(event) == concept),
                "last_score": scores[-1],
                "recent_share": share,
                "mastered": share >= question.enough,
                "knowledge": known,
                "expected": known * (1 - model["slip"]) + (1 - known) * model["guess"],
            }
        )
    return rows


def concept_mastery(question: Any, events: Events, when: When) -> Rows:
    """The same of everyone, with the parameters fitted where there are enough."""
    mine = [event for event in of_somebody(attempts(asked(question, events, when))) if topic(event)]
    rows = []
    for concept in by_bytes({topic(event) for event in mine}):
        of_each = [
            [event["score"] >= question.passing for event in mine if event["user"] == user and topic(event) == concept]
            for user in people(mine)
        ]
        tries = [one for one in of_each if one]
        fits = sum(len(one) > 1 for one in tries) >= question.least
        model = fit_by_paths(Counter(tuple(one[-12:]) for one in tries)) if fits else DEFAULTS
        good = [statistics.fmean(one[-question.recent :]) >= question.enough for one in tries]
        rows.append(
            {
                "concept": concept,
                "learners": len(tries),
                "attempts": sum(map(len, tries)),
                "pass_rate": statistics.fmean(right for one in tries for right in one),
                "mastered": sum(good),
                "mastered_share": statistics.fmean(good),
                "knowledge": statistics.fmean(_known(one[-12:], model) for one in tries),
                "fitted": fits,
            }
            | model
        )
    return rows


def item_analysis(question: Any, events: Events, when: When) -> Rows:
    """First attempts, and the mean of the others."""
    mine = [event for event in of_somebody(attempts(asked(question, events, when))) if event["content"]]
    first: dict[tuple[str, str], float] = {}
    for event in mine:
        first.setdefault((event["user"], event["content"]), event["score"])
    rows = []
    for item in by_bytes({content for _, content in first}):
        scores = {user: score for (user, content), score in first.items() if content == item}
        rest = {
            user: [score for (one, content), score in first.items() if one == user and content != item]
            for user in scores
        }
        both = [(float(scores[user] >= question.passing), sum(r) / len(r)) for user, r in rest.items() if r]
        rows.append(
            {
                "item": item,
                "learners": len(scores),
                "difficulty": statistics.fmean(scores.values()) / 100,
                "pass_rate": statistics.fmean(score >= question.passing for score in scores.values()),
                "compared": len(both),
                "discrimination": _correlation(both) if len(both) >= question.least else None,
            }
        )
    return rows


def _correlation(pairs: list[tuple[float, float]]) -> float | None:
    if any(len({pair[n] for pair in pairs}) < 2 for n in (0, 1)):
        return None
    return statistics.correlation(*zip(*pairs, strict=True))


def content_effectiveness(question: Any, events: Events, when: When) -> Rows:
    """The last score before the first use, and the first one after it."""
    seen = of_somebody(asked(question, events, when))
    uses = [event for event in seen if event["type"] in PAGES | VIDEOS | DONE and event["content"]]
    rows = []
    for content in by_bytes({event["content"] for event in uses}):
        mine = [event for event in uses if event["content"] == content]
        users = people(mine)
        done = {event["user"] for event in mine if event["type"] in DONE}
        pairs = [pair for user in users for pair in _before_and_after(user, mine, seen)]
        gains = [after - before for before, after in pairs]
        enough = len(gains) >= question.least
        margin = 1.959963984540054 * statistics.stdev(gains) / math.sqrt(len(gains)) if enough else None
        gain = statistics.fmean(gains) if gains else None
        rows.append(
            {
                "content": content,
                "learners": len(users),
                "completed": len(done),
                "completion_rate": len(done) / len(users),
                "compared": len(gains),
                "before": statistics.fmean(before for before, _ in pairs) if pairs else None,
                "after": statistics.fmean(after for _, after in pairs) if pairs else None,
                "gain": gain,
                "low": None if margin is None or gain is None else gain - margin,
                "high": None if margin is None or gain is None else gain + margin,
            }
        )
    return rows


def _before_and_after(user: str, uses: Events, seen: Events) -> Iterator[tuple[float, float]]:
    for concept in {event["concept"] for event in uses if event["user"] == user} - {""}:
        began = min(event["timestamp"] for event in uses if (event["user"], event["concept"]) == (user, concept))
        tried = [e for e in attempts(seen) if (e["user"], e["concept"]) == (user, concept)]
        before = [event["score"] for event in tried if event["timestamp"] < began]
        after = [event["score"] for event in tried if event["timestamp"] > began]
        if before and after:
            yield before[-1], after[0]


def time_on_task(question: Any, events: Events, when: When) -> Rows:
    """Millisecond by millisecond would be too many: the union of intervals, merged one by one."""
    worked: dict[str, dict[str, list[tuple[int, int]]]] = {}
    seen = of_somebody(asked(question, events, when))
    for user in people(seen):
        for thing, begins, ends in _spans(question, [event for event in seen if event["user"] == user], when):
            worked.setdefault(thing, {}).setdefault(user, []).append((begins, ends))
    rows = []
    for thing, spans in worked.items():
        seconds = [Fraction(_union(one), 1000) for one in spans.values()]
        rows.append(
            {
                "of": thing,
                "learners": len(seconds),
                "seconds": sum(seconds, Fraction(0)),
                "seconds_a_learner": sum(seconds, Fraction(0)) / len(seconds),
                "median_seconds": statistics.median(seconds),
            }
        )
    return sorted(rows, key=lambda row: (-float(row["seconds"]), str(row["of"]).encode()))


def _spans(question: Any, mine: Events, when: When) -> Iterator[tuple[str, int, int]]:
    def thing(event: dict[str, Any]) -> str:
        return day_of(event, when).isoformat() if question.by == "day" else str(event[question.by])

    def seconds(event: dict[str, Any]) -> float:
        return float(min(max(event["duration"] or 0.0, 0.0), question.longest_minutes * 60.0))

    order = sorted(mine, key=lambda e: (e["timestamp"], seconds(e), thing(e).encode()))
    for event, following in [*pairwise(order), (order[-1], None)]:
        begins = _milliseconds(event)
        ends = begins + math.floor(seconds(event) * 1000)
        if following and following["timestamp"] - event["timestamp"] <= timedelta(minutes=question.idle_minutes):
            ends = max(ends, _milliseconds(following))
        if thing(event):
            yield thing(event), begins, ends


def _milliseconds(event: dict[str, Any]) -> int:
    moment: datetime = event["timestamp"]
    return round(moment.timestamp() * 1000)


def _union(spans: list[tuple[int, int]]) -> int:
    total, reached = 0, 0
    for begins, ends in sorted(spans):
        total += max(0, ends - max(begins, reached))
        reached = max(reached, ends)
    return total


def learner_time(question: Any, events: Events, when: When) -> Rows:
    """The same of one learner."""
    return time_on_task(question, events, when)


ORACLES: tuple[Oracle, ...] = (
    mastery,
    concept_mastery,
    item_analysis,
    content_effectiveness,
    time_on_task,
    learner_time,
)
