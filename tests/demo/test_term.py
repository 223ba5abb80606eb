"""The demo's term: the same seed makes the same events, and they look like a campus."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from rollbook.demo import COURSES, SEED, as_table, enrol, lived
from rollbook.demo.term import Row

UNTIL = datetime(2026, 3, 29, 12, tzinfo=UTC)
FIRST = date(2025, 12, 30)
DAYS = 90
PEOPLE = enrol(200, FIRST, DAYS, SEED)
ROWS = list(lived(PEOPLE, UNTIL))


def test_the_same_seed_makes_the_same_events() -> None:
    assert list(lived(enrol(200, FIRST, DAYS, SEED), UNTIL)) == ROWS
    assert list(lived(enrol(200, FIRST, DAYS, SEED + 1), UNTIL)) != ROWS


def test_a_longer_term_begins_with_the_shorter_one() -> None:
    month_before = UNTIL - timedelta(days=30)
    cut = month_before.replace(tzinfo=None)
    assert list(lived(PEOPLE, month_before)) == [row for row in ROWS if row["timestamp"] <= cut]


def test_every_event_is_one_that_the_way_in_would_take() -> None:
    ids = [row["id"] for row in ROWS]
    assert len(set(ids)) == len(ids)
    assert all(0 <= row.get("score", 0) <= 100 and row.get("duration", 0) >= 0 for row in ROWS)
    assert {row["course"] for row in ROWS} == {course.id for course in COURSES}
    table = as_table(ROWS)
    assert (table.num_rows, table["score"].null_count) == (len(ROWS), len(ROWS) - len(quizzes()))


def test_evenings_and_weekdays_are_busiest() -> None:
    hours = Counter(row["timestamp"].hour for row in ROWS)
    assert hours.most_common(1)[0][0] in range(17, 23)
    weekdays = Counter(row["timestamp"].weekday() for row in ROWS)
    assert max(weekdays[5], weekdays[4]) < min(weekdays[day] for day in (0, 1, 2))


def test_groups_join_over_time_and_some_people_leave() -> None:
    assert len({person.joined.isocalendar().week for person in PEOPLE}) > 6
    last: dict[str, datetime] = {}
    for row in ROWS:
        last[row["user"]] = max(row["timestamp"], last.get(row["user"], row["timestamp"]))
    gone = sum(UNTIL.replace(tzinfo=None) - seen > timedelta(days=21) for seen in last.values())
    assert 0.2 < gone / len(last) < 0.7


def test_harder_concepts_have_lower_scores() -> None:
    for course in COURSES:
        means = [mean_score(concept.id) for concept in (course.concepts[0], course.concepts[-1])]
        assert means[0] > means[1] + 10


def quizzes() -> list[Row]:
    return [row for row in ROWS if row["type"] == "quiz_completion"]


def mean_score(concept: str) -> float:
    scores = [row["score"] for row in quizzes() if row["concept"] == concept]
    return float(sum(scores) / len(scores))
