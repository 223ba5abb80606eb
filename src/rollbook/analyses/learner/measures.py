"""Measures of one learner: the one query behind engagement, velocity, dropout risk and intervention, and its scores.

Formulas and weights: document 1 (Analytics Agent), with its slips put right; see each function.
"""

import dataclasses
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Generic

from pydantic import BeforeValidator

from rollbook.analyses.learner.of_learner import OfLearner
from rollbook.analyses.question import A, Days, When
from rollbook.store.scope import MILLISECOND

HIGH, MEDIUM = 70, 40  # risk levels, in hundredths
SESSIONS_A_DAY = 2
SECONDS_A_DAY = 1800
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


class LearnerQuestion(OfLearner[A], Generic[A]):
    """A question about one learner, answered from their measures.

    Roles: 1 a session's start, 2 content started, 3 content completed (and so started). Content is known by its id (a
    completed course by the course's), failing that by the event's own, so that each such event is one more; a mastered
    concept by its own id, failing that by its content's. A quiz is a `quiz_completion` with a score; the score counts
    from 0 to 100, whatever it says. The events' own ids are not read: they would be most of what is read.
    """

    sql: ClassVar[str] = """
        select if(count() = 0, null, max(timestamp)) as last,
               countIf(role = 1 and recent) as sessions,
               sumIf(seconds, recent) as seconds,
               uniqExactIf(thing, thing != '' and role in (2, 3) and recent)
                   + countIf(thing = '' and role in (2, 3) and recent) as started,
               uniqExactIf(thing, thing != '' and role = 3 and recent) + countIf(thing = '' and role = 3 and recent)
                   as completed,
               avgOrNullIf(points, quiz and recent) as score,
               uniqExactIf(thing, thing != '' and role in (2, 3)) + countIf(thing = '' and role in (2, 3))
                   as started_ever,
               uniqExactIf(thing, thing != '' and role = 3) + countIf(thing = '' and role = 3) as completed_ever,
               avgOrNullIf(points, quiz) as score_ever,
               uniqExactIf(topic, topic != '' and passed) + countIf(topic = '' and passed) as concepts
        from (
            select user, person, timestamp, timestamp >= {window_begin:DateTime64(3, 'UTC')} as recent,
                   ifNull(duration, 0) as seconds,
                   type = 'quiz_completion' and isNotNull(score) as quiz,
                   least(greatest(ifNull(score, 0), 0), 100) as points,
                   quiz and points >= 70 and timestamp >= {velocity_begin:DateTime64(3, 'UTC')} as passed,
                   transform(type, ['session_start', 'content_view', 'content_start', 'material_view', 'video_play',
                                    'content_completion', 'completion', 'material_complete', 'course_complete'],
                             [1, 2, 2, 2, 2, 3, 3, 3, 3], 0) as role,
                   multiIf(type = 'course_complete' and course != '', concat('course ', course),
                           content != '', concat('content ', content), '') as thing,
                   if(concept != '', concat('concept ', concept), thing) as topic
            from scope)
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
