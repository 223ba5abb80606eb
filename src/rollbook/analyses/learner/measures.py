"""Measures of one learner: the one query behind engagement, velocity, dropout risk and intervention, and its scores.

Formulas and weights: document 1 (Analytics Agent), with its slips put right; see each function.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Generic

from pydantic import BeforeValidator

from rollbook.analyses.learner.of_learner import OfLearner
from rollbook.analyses.question import A, Days, When
from rollbook.store.scope import MILLISECOND

HIGH, MEDIUM = 70, 40  # risk levels, in hundredths
SESSIONS_A_DAY = 2
SECONDS_A_DAY = 1800
SESSION, QUIZ = "session_start", "quiz_completion"
STARTED = frozenset({"content_view", "content_start", "material_view", "video_play"})
COMPLETED = frozenset({"content_completion", "completion", "material_complete", "course_complete"})
DECIMALS = 9  # of scores: 0.1 + 0.2 must not be more than 0.3


def in_days(window: object) -> object:
    """Days from `7`, `"7"`, `"7d"` or `"2w"`; anything else is left for the validation to refuse."""
    if not isinstance(window, str):
        return window
    number, unit = window[:-1], window[-1:].lower()
    if not number.isdigit() or unit not in ("d", "w"):
        return window
    return int(number) * (7 if unit == "w" else 1)


Window = Annotated[Days, BeforeValidator(in_days, json_schema_input_type=int | str)]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What one learner did: `…_ever` in the whole scope, `concepts` in the velocity's days, the rest in the window.

    `last`: their last event. `seconds`: all durations. `started` and `completed`: distinct contents. `score`: mean of
    the quizzes, 0 to 100. `concepts`: distinct ones passed at 70 or more.
    """

    last: datetime | None
    sessions: int
    seconds: float
    started: int
    completed: int
    score: float | None
    started_ever: int
    completed_ever: int
    score_ever: float | None
    concepts: int


def measures_of(found: Sequence[Mapping[str, Any]]) -> Measures:
    """The measures of a learner, from the rows of the question's query.

    They are added up here, not there: of so few rows planning takes ClickHouse longer than counting.
    """
    recent = [row for row in found if row["recent"]]
    return Measures(
        last=max((row["last"] for row in found), default=None),
        sessions=sum(row["events"] for row in recent if row["type"] == SESSION),
        seconds=math.fsum(row["seconds"] for row in recent),
        started=_things(recent, STARTED | COMPLETED),
        completed=_things(recent, COMPLETED),
        score=_score(recent),
        started_ever=_things(found, STARTED | COMPLETED),
        completed_ever=_things(found, COMPLETED),
        score_ever=_score(found),
        concepts=_distinct((_topic(row), row["passed"]) for row in found if row["type"] == QUIZ and row["passed"]),
    )


def _things(rows: Iterable[Mapping[str, Any]], types: Set[str]) -> int:
    return _distinct((_thing(row), row["events"]) for row in rows if row["type"] in types)


def _thing(row: Mapping[str, Any]) -> str:
    if row["type"] == "course_complete" and row["course"]:
        return f"course {row['course']}"
    return f"content {row['content']}" if row["content"] else ""


def _topic(row: Mapping[str, Any]) -> str:
    return f"concept {row['concept']}" if row["concept"] else _thing(row)


def _distinct(named: Iterable[tuple[str, int]]) -> int:
    """How many different things; each event of what has no name is one more."""
    names: set[str] = set()
    nameless = 0
    for name, events in named:
        if name:
            names.add(name)
        else:
            nameless += events
    return len(names) + nameless


def _score(rows: Iterable[Mapping[str, Any]]) -> float | None:
    quizzes = [row for row in rows if row["type"] == QUIZ and row["scored"]]
    if not quizzes:
        return None
    return math.fsum(row["points"] for row in quizzes) / sum(int(row["scored"]) for row in quizzes)


class LearnerQuestion(OfLearner[A], Generic[A]):
    """A question about one learner, answered from their measures.

    Content that is completed was started. Content is known by its id (a completed course by the course's), failing that
    by the event's own, so that each such event is one more; a mastered concept by its own id, failing that by its
    content's. A quiz is a `quiz_completion` with a score; the score counts from 0 to 100, whatever it says. The events'
    own ids are not read: they would be most of what is read.
    """

    sql: ClassVar[str] = """
        select type, course, content, concept, timestamp >= {window_begin:DateTime64(3, 'UTC')} as recent,
               max(timestamp) as last, count() as events, sum(ifNull(duration, 0)) as seconds, count(score) as scored,
               sum(least(greatest(ifNull(score, 0), 0), 100)) as points,
               countIf(score >= 70 and timestamp >= {velocity_begin:DateTime64(3, 'UTC')}) as passed
        from scope
        group by type, course, content, concept, recent
        """

    def window_days(self) -> int:
        """Days of the window of engagement."""
        return 7

    def velocity_days(self) -> int:
        """Days of the window of the velocity."""
        return 7

    def bound(self, when: When) -> dict[str, Any]:
        """Where the windows begin."""
        begins = {"window_begin": self.window_days(), "velocity_begin": self.velocity_days()}
        return {name: when.now - timedelta(days=days) + MILLISECOND for name, days in begins.items()}


def share(part: int, whole: int) -> float | None:
    """Part over whole; None where there is no whole."""
    return part / whole if whole else None


def engagement_score(measures: Measures, days: int) -> float:
    """0 to 1: sessions (2 a day) 0.3, completion 0.3, quizzes 0.2, time (30 minutes a day) 0.2; unknown is 0."""
    parts = (
        (0.3, measures.sessions / (days * SESSIONS_A_DAY)),
        (0.3, share(measures.completed, measures.started) or 0.0),
        (0.2, (measures.score or 0.0) / 100),
        (0.2, max(measures.seconds, 0.0) / (days * SECONDS_A_DAY)),
    )
    return round(sum(weight * min(1.0, part) for weight, part in parts), DECIMALS)


def risk_in_hundredths(measures: Measures, now: datetime) -> int | None:
    """Document 1's rule, added up in whole hundredths; None for someone never seen.

    Completion and quizzes count over everything the learner ever did: in a window, whoever stayed away longer than
    it would have none, and the rule could never reach the top. Nothing started, no quizzes: no effect.
    """
    if measures.last is None:
        return None
    away = now - measures.last
    completion, score = share(measures.completed_ever, measures.started_ever), measures.score_ever
    risk = next((points for days, points in ((30, 40), (14, 20), (7, 10)) if away > timedelta(days=days)), 0)
    if completion is not None:
        risk += 30 if completion < 0.3 else 15 if completion < 0.5 else 0
    if score is not None:
        risk += 30 if score < 40 else 15 if score < 60 else 0
    return min(100, risk)


def risk_level(hundredths: int | None) -> str:
    """high from 0.7, medium from 0.4, low below; unknown where nothing is known."""
    if hundredths is None:
        return "unknown"
    return "high" if hundredths >= HIGH else "medium" if hundredths >= MEDIUM else "low"
