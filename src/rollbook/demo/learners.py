"""The learners: when each one joins, what each one can, and how each one lives."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from rollbook.demo.campus import COURSES, Course

# when a group starts, as a part of the term, and its share of all learners: a large first group, smaller ones later
GROUPS = ((0.0, 0.34), (0.16, 0.2), (0.31, 0.16), (0.47, 0.12), (0.62, 0.1), (0.78, 0.08))
# how much of the term a group takes to come together, at most
COMING = 0.12
# who joins on any day but the last, with no group
ALONE = 0.35

# the hour around which somebody learns: most in the evening
CHRONOTYPES = ((20.2, 0.62), (16.0, 0.22), (7.6, 0.08), (12.6, 0.08))


@dataclass(frozen=True, slots=True)
class Learner:
    """One learner. `ability` is normal around 0, `diligence` around 1; `persistence` is the chance to stay a week."""

    id: str
    joined: date
    ability: float
    diligence: float
    persistence: float
    hour: float
    device: str
    courses: tuple[Course, ...]


def enrol(count: int, first_day: date, days: int, seed: int) -> list[Learner]:
    """So many learners, in groups that join over a term of so many days from the first one."""
    return [_learner((number + 0.5) / count, number, (first_day, days), seed) for number in range(count)]


def _learner(place: float, number: int, term: tuple[date, int], seed: int) -> Learner:
    chance, (first_day, days) = random.Random(f"{seed}:{number}"), term
    diligence = min(max(chance.gauss(1.0, 0.35), 0.25), 1.9)
    # a few look in once or twice and never come back
    tourist = chance.random() < 0.12
    with_group = int(_group(place) * days) + min(int(chance.expovariate(0.6)), int(COMING * days))
    joined = chance.randrange(max(days - 1, 1)) if chance.random() < ALONE else with_group
    return Learner(
        id=f"learner-{number + 1:04d}",
        joined=first_day + timedelta(days=joined),
        ability=chance.gauss(0.3, 0.9),
        diligence=diligence,
        persistence=0.35 if tourist else min(0.985, 0.9 + 0.06 * diligence),
        hour=chance.choices([hour for hour, _ in CHRONOTYPES], [share for _, share in CHRONOTYPES])[0],
        device=chance.choices(["web", "mobile"], [0.7, 0.3])[0],
        courses=tuple(chance.sample(COURSES, chance.choices([1, 2, 3], [0.5, 0.38, 0.12])[0])),
    )


def _group(place: float) -> float:
    """When the group starts that somebody at this place (0 to 1) of the list belongs to."""
    for start, share in GROUPS:
        place -= share
        if place < 0:
            return start
    return GROUPS[-1][0]
