"""The term: what learners do day after day, as rows of the events table.

Every learner has a chance of their own, so that a longer term begins with exactly the events of a shorter one.
"""

import json
import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

from rollbook.demo.campus import COURSES, MATERIALS, QUIZ_MINUTES, Concept, Course
from rollbook.demo.learners import Learner
from rollbook.store.events import SCHEMA

SEED = 8011
PASSED = 70

# Monday to Sunday
WEEK = (1.1, 1.15, 1.1, 1.0, 0.62, 0.5, 0.88)
FORGETTING_PER_DAY = 0.035
WEEKS_OF_NOVELTY = 1.5

Row = dict[str, Any]


@dataclass(slots=True)
class _Progress:
    """How far somebody is in a course, and when each concept was last practised."""

    course: Course
    concept: int = 0
    material: int = 0
    failures: int = 0
    practised: dict[str, date] = field(default_factory=dict)
    practice: dict[str, int] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        return self.concept >= len(self.course.concepts)


class _Life:
    """One learner's term."""

    def __init__(self, learner: Learner, tenant: str, seed: int) -> None:
        self.learner = learner
        self.tenant = tenant
        self.chance = random.Random(f"{seed}:live:{learner.id}")
        self.courses = [_Progress(course) for course in learner.courses]
        self.mood = 0.0
        self.rows: list[Row] = []
        self.now = datetime.min
        self.session = ""

    def live(self, last: date) -> list[Row]:
        """Every day from joining to the last, or until leaving for good."""
        day = self.learner.joined
        while day <= last and not all(progress.finished for progress in self.courses):
            age = (day - self.learner.joined).days
            if age and age % 7 == 0 and not self._stays():
                break
            if age == 0 or self.chance.random() < self._eagerness(day, age):
                self._day(day)
            day += timedelta(days=1)
        return self.rows

    def _stays(self) -> bool:
        return self.chance.random() < min(0.995, self.learner.persistence + 0.04 * self.mood)

    def _eagerness(self, day: date, age: int) -> float:
        novelty = 1 + 0.5 * math.exp(-age / 7 / WEEKS_OF_NOVELTY)
        return 0.45 * self.learner.diligence * novelty * WEEK[day.weekday()]

    def _day(self, day: date) -> None:
        weekend = day.weekday() >= 5
        hour = self.learner.hour - (2.5 if weekend else 0)
        for number in range(2 if self.chance.random() < 0.16 else 1):
            start = min(max(self.chance.gauss(hour - 4 * number, 2.2 if weekend else 1.3), 0.2), 22.9)
            self.now = datetime.combine(day, time()) + timedelta(hours=start)
            self._session(number)

    def _session(self, number: int) -> None:
        open_courses = [progress for progress in self.courses if not progress.finished]
        if not open_courses:
            return
        progress = self.chance.choice(open_courses)
        self.session = f"{self.learner.id}-{self.now:%m%d}-{number}"
        self._tell("session_start", progress, properties={"device": self.learner.device})
        self._pass(0.3)
        self._tell("page_view", progress, properties={"page": f"/courses/{progress.course.id}"})
        for _ in range(1 + min(int(self.chance.expovariate(0.32 / self.learner.diligence)), 9)):
            self._pass(self.chance.uniform(0.2, 2))
            self._step(progress)
            if progress.finished:
                break
        self._tell("session_end", progress)

    def _step(self, progress: _Progress) -> None:
        if progress.practised and self.chance.random() < 0.1:
            self._review(progress)
        elif progress.material < len(MATERIALS):
            self._study(progress)
        else:
            self._examine(progress)

    def _study(self, progress: _Progress) -> None:
        concept = progress.course.concepts[progress.concept]
        kind, type_, minutes = MATERIALS[progress.material]
        content = f"{concept.id}-{kind}"
        seconds = round(minutes * 60 * self.chance.lognormvariate(-0.05, 0.35))
        done = self.chance.random() < min(0.62 + 0.25 * self.learner.diligence, 0.97)
        about: Row = {"concept": concept.id, "content": content, "properties": {"kind": kind}}
        self._tell(type_, progress, duration=float(seconds if done else seconds // 3), **about)
        self._pass((seconds if done else seconds // 3) / 60)
        if done:
            self._tell("content_completion", progress, **about)
            progress.practice[concept.id] = progress.practice.get(concept.id, 0) + 1
            progress.practised[concept.id] = self.now.date()
        # whoever breaks off skips it half of the time, and else begins it again
        if done or self.chance.random() < 0.5:
            progress.material += 1

    def _examine(self, progress: _Progress) -> None:
        concept = progress.course.concepts[progress.concept]
        score = self._quiz(progress, concept)
        if score < PASSED and progress.failures < 2:
            progress.failures += 1
            progress.material = len(MATERIALS) - 1
            if self.chance.random() < 0.3:
                self._ask(progress, concept)
            return
        progress.concept, progress.material, progress.failures = progress.concept + 1, 0, 0
        if progress.finished:
            self._tell("course_complete", progress)
            self._go_on()

    def _go_on(self) -> None:
        """Whoever has finished a course often begins another."""
        others = [course for course in COURSES if all(progress.course is not course for progress in self.courses)]
        if others and self.chance.random() < 0.7:
            self.courses.append(_Progress(self.chance.choice(others)))

    def _review(self, progress: _Progress) -> None:
        known = [concept for concept in progress.course.concepts if concept.id in progress.practised]
        self._quiz(progress, self.chance.choice(known))

    def _quiz(self, progress: _Progress, concept: Concept) -> float:
        """Take a quiz: what one can, less what the concept asks, plus practice, less what was forgotten since."""
        since = (self.now.date() - progress.practised.get(concept.id, self.now.date())).days
        mastery = 0.3 + 1.1 * self.learner.ability - concept.difficulty + 0.25 * progress.practice.get(concept.id, 0)
        mastery += self.chance.gauss(-FORGETTING_PER_DAY * since, 0.55)
        score = round(100 / (1 + math.exp(-mastery)))
        seconds = round(QUIZ_MINUTES * 60 * self.chance.lognormvariate(0, 0.3))
        self._pass(seconds / 60)
        about: Row = {"concept": concept.id, "content": f"{concept.id}-quiz"}
        self._tell("quiz_completion", progress, score=float(score), duration=float(seconds), **about)
        progress.practised[concept.id] = self.now.date()
        progress.practice[concept.id] = progress.practice.get(concept.id, 0) + 1
        self.mood = 0.7 * self.mood + 0.3 * (score - 65) / 35
        return score

    def _ask(self, progress: _Progress, concept: Concept) -> None:
        conversation = f"{self.session}-{concept.id}"
        for _ in range(self.chance.randint(1, 4)):
            self._pass(self.chance.uniform(0.5, 2))
            self._tell("conversation_message", progress, concept=concept.id, conversation=conversation, channel="chat")

    def _pass(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    def _tell(self, type_: str, progress: _Progress, *, properties: Row | None = None, **more: Any) -> None:
        self.rows.append(
            {
                "tenant": self.tenant,
                "id": f"demo-{self.learner.id}-{len(self.rows)}",
                "type": type_,
                "user": self.learner.id,
                "timestamp": self.now,
                "source": self.learner.device,
                "session": self.session,
                "course": progress.course.id,
                "properties": json.dumps(properties or {}),
            }
            | more
        )


def lived(learners: Iterable[Learner], until: datetime, *, tenant: str = "default", seed: int = SEED) -> Iterator[Row]:
    """What the learners did up to `until` (UTC), learner by learner, each in order of time."""
    cut = until.replace(tzinfo=None)
    for learner in learners:
        yield from (row for row in _Life(learner, tenant, seed).live(cut.date()) if row["timestamp"] <= cut)


def as_table(rows: Iterable[Row]) -> pa.Table:
    """The rows as a table for the way in: the columns of the events table but `received` and `dialect`."""
    fields = [column for column in SCHEMA if column.name not in ("received", "dialect")]
    all_rows = list(rows)
    columns = [
        pa.array([row.get(f.name, None if f.name in ("score", "duration") else "") for row in all_rows], f.type)
        for f in fields
    ]
    return pa.table(columns, pa.schema(fields))
