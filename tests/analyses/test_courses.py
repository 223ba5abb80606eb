"""Stories of courses and materials: enrolment, absence, grades, pages, problems, videos; and of what arrives."""

from datetime import date
from typing import Any

from rollbook.analyses.ask import ask
from rollbook.analyses.catalogue import question
from rollbook.governance.roster import Told, put
from rollbook.store import Store
from tests.stories import happened, tell

NOW = "2026-03-15T12:00"


def rows(store: Store, tenant: str, name: str, **given: Any) -> list[dict[str, Any]]:
    """The answer."""
    return [row.model_dump() for row in ask(store, question(name, {"as_of": NOW} | given), tenant).rows]


def in_maths(type: str, user: str, at: str, **more: Any) -> dict[str, Any]:
    """Something in the course, in March."""
    return happened(type, user, f"2026-03-{at}", **({"course": "maths"} | more))


COURSE = [
    in_maths("enrolment", "ada", "01T09:00"),
    in_maths("content_view", "ada", "08T10:00", duration=1800.0),  # 7 days ago: at risk
    in_maths("enrolment", "bob", "01T09:00"),
    in_maths("content_view", "bob", "09T10:00"),  # 6 days ago
    in_maths("enrolment", "cy", "02T09:00"),  # never came
    in_maths("enrolment", "dan", "01T09:00"),
    in_maths("content_view", "dan", "02T10:00"),
    in_maths("withdrawal", "dan", "03T10:00"),
    in_maths("content_view", "eve", "02T10:00"),
    in_maths("course_complete", "eve", "03T10:00"),
    in_maths("content_view", "", "14T10:00"),
    happened("content_view", "ada", "2026-03-15T10:00", course="art"),
]


def test_who_is_at_risk_and_why(store: Store, tenant: str) -> None:
    tell(store, tenant, COURSE)
    never, ada = rows(store, tenant, "at_risk", course="maths")
    assert (never["user_id"], never["last_active"], never["enrolled"]) == ("cy", None, date(2026, 3, 2))
    assert never["reason"] == "enrolled on 2026-03-02, 13 days ago, and never came"
    assert (ada["user_id"], ada["last_active"], ada["days_away"]) == ("ada", date(2026, 3, 8), 7)
    assert ada["reason"] == "no activity in the course since 2026-03-08, 7 days ago"
    assert [row["user_id"] for row in rows(store, tenant, "at_risk", absent_days=8)] == ["cy"]
    tell(store, tenant, [in_maths("enrolment", "dan", "05T09:00")])
    again = rows(store, tenant, "at_risk")[1]
    assert again["reason"] == "enrolled again on 2026-03-05, 10 days ago, and has not come since"


def test_courses_side_by_side(store: Store, tenant: str) -> None:
    tell(store, tenant, COURSE)
    maths, art = rows(store, tenant, "course_comparison", days=7)
    assert maths == {
        "course": "maths",
        "learners": 5,
        "active": 1,
        "enrolled": 3,
        "withdrawn": 1,
        "completed": 1,
        "completion_rate": 0.2,
        "at_risk": 2,
        "events": 1,
        "hours": 0,
    }
    assert (art["course"], art["learners"], art["active"], art["enrolled"]) == ("art", 1, 1, 0)
    assert rows(store, tenant, "course_comparison", days=8)[0]["hours"] == 0.5


def test_enrolments_over_time(store: Store, tenant: str) -> None:
    tell(store, tenant, [*COURSE, in_maths("enrolment", "ada", "04T09:00")])
    shown = {row["day"].day: row for row in rows(store, tenant, "enrolments", days=15)}
    assert [(shown[n]["enrolled"], shown[n]["withdrawn"], shown[n]["current"]) for n in (1, 2, 3, 4)] == [
        (3, 0, 3),
        (1, 0, 4),
        (0, 1, 3),
        (0, 0, 3),
    ]
    assert rows(store, tenant, "enrolments", days=1)[0]["current"] == 3


def test_tracks(store: Store, tenant: str) -> None:
    tell(
        store,
        tenant,
        [
            in_maths("enrolment", "ada", "01T09:00", properties='{"track": "audit"}'),
            in_maths("enrolment", "ada", "02T09:00", properties='{"mode": "verified"}'),
            in_maths("enrollment", "bob", "01T09:00"),
            in_maths("enrolment", "cy", "01T09:00"),
            in_maths("unenrollment", "cy", "02T09:00"),
        ],
    )
    found = [(row["track"], row["learners"]) for row in rows(store, tenant, "enrolment_tracks")]
    assert found == [("", 1), ("verified", 1)]


GRADES = [
    in_maths("quiz_completion", "ada", "01T10:00", content="q1", score=20.0),
    in_maths("quiz_completion", "ada", "02T10:00", content="q1", score=100.0),
    in_maths("quiz_completion", "ada", "02T11:00", content="q2", score=80.0),
    in_maths("quiz_completion", "bob", "01T10:00", content="q1", score=60.0),
    in_maths("hint_request", "bob", "01T09:59", content="q1"),
    in_maths("quiz_completion", "cy", "01T10:00", content="q1", score=100.0),
]


def test_grades_are_means_of_last_scores(store: Store, tenant: str) -> None:
    tell(store, tenant, GRADES)
    shown = rows(store, tenant, "grade_distribution", width=20)
    assert [row["learners"] for row in shown] == [0, 0, 0, 1, 2]
    assert (shown[4]["from_score"], shown[4]["to_score"], shown[4]["graded"]) == (80, 100, 3)
    (passing,) = rows(store, tenant, "pass_rate")
    assert (passing["graded"], passing["passing"], passing["median_grade"]) == (3, 2, 90)
    (of_ada,) = rows(store, tenant, "learner_progress", user="ada")
    assert (of_ada["status"], of_ada["grade"], of_ada["passing"], of_ada["days_active"]) == ("unknown", 90, True, 2)


def test_problems(store: Store, tenant: str) -> None:
    tell(store, tenant, GRADES)
    first, second = rows(store, tenant, "problem_engagement")
    assert first == {
        "content": "q1",
        "learners": 3,
        "attempts": 4,
        "passed": 2,
        "passed_at_first": 1,
        "mean_score": 70,
        "mean_last_score": 260 / 3,
        "attempts_to_pass": 1.5,
        "hints": 1,
        "solutions": 0,
    }
    assert (second["content"], second["learners"]) == ("q2", 1)


def test_responses_of_the_first_and_the_last_attempt(store: Store, tenant: str) -> None:
    def answered(user: str, at: str, told: str, score: float) -> dict[str, Any]:
        return in_maths("problem_attempt", user, at, content="p", properties=told, score=score)

    tell(
        store,
        tenant,
        [
            answered("ada", "01T10:00", '{"response": "B"}', 0.0),
            answered("ada", "01T11:00", '{"response": "A"}', 100.0),
            answered("bob", "01T10:00", '{"answer": "B"}', 0.0),
            answered("cy", "01T10:00", '{"response": ["A", "C"]}', 50.0),
        ],
    )
    first = rows(store, tenant, "responses", content="p")
    assert [(row["response"], row["learners"], row["mean_score"]) for row in first] == [
        ("B", 2, 0),
        ('["A","C"]', 1, 50),
    ]
    last = rows(store, tenant, "responses", content="p", which="last")
    assert {row["response"] for row in last} == {"A", "B", '["A","C"]'}


def test_pages_and_sections(store: Store, tenant: str) -> None:
    def view(user: str, at: str, content: str, concept: str) -> dict[str, Any]:
        return in_maths("content_view", user, at, content=content, concept=concept, duration=10.0)

    tell(
        store,
        tenant,
        [
            view("ada", "01T10:00", "p1", "k"),
            view("ada", "02T10:00", "p1", "k"),
            view("ada", "02T10:00", "p2", "k"),
            view("bob", "01T10:00", "p1", "k"),
            view("cy", "01T10:00", "p3", "other"),
        ],
    )
    first = rows(store, tenant, "page_engagement")[0]
    assert first == {"content": "p1", "views": 3, "learners": 2, "returned": 1, "seconds": 30}
    section = rows(store, tenant, "section_engagement")[0]
    assert section == {"section": "k", "contents": 2, "learners": 2, "all": 1, "some": 1, "none": 1}
    (course, *_) = rows(store, tenant, "course_activity")
    assert (course["day"], course["learners"], course["pages"]) == (date(2026, 3, 1), 3, 3)


def test_videos(store: Store, tenant: str) -> None:
    def film(user: str, at: str, type: str, told: str) -> dict[str, Any]:
        return in_maths(f"video_{type}", user, f"01T10:{at}", content="v", properties=told)

    tell(
        store,
        tenant,
        [
            film("ada", "00", "play", '{"position": 0}'),
            film("ada", "01", "seek", '{"from": 25, "to": 60}'),
            film("ada", "02", "pause", '{"position": 100, "length": 100}'),
            film("ada", "03", "play", '{"position": 10}'),
            film("ada", "04", "pause", '{"position": 20}'),
            film("bob", "00", "play", '{"position": 0}'),
            film("bob", "02", "complete", '{"video_length": 100}'),
            film("cy", "00", "play", "{}"),
        ],
    )
    (one,) = rows(store, tenant, "video_engagement")
    # ada: 0 to 25, 60 to 100, and 10 to 20 again; bob all of it
    assert one == {
        "content": "v",
        "learners": 3,
        "plays": 4,
        "repeated": 1,
        "full": 1,
        "full_rate": 1 / 3,
        "length_seconds": 100,
        "watched_seconds": 175,
        "distinct_seconds": 165,
        "seeks": 1,
    }
    parts = {row["from_second"]: row for row in rows(store, tenant, "video_heatmap", content="v")}
    assert [parts[n]["views"] for n in range(0, 100, 10)] == [2, 3, 2, 1, 1, 1, 2, 2, 2, 2]
    assert (parts[10]["learners"], parts[10]["repeats"]) == (2, 1)
    assert (parts[20]["seeks_from"], parts[60]["seeks_to"]) == (1, 1)


def test_what_one_learner_did_with_each_content(store: Store, tenant: str) -> None:
    tell(store, tenant, GRADES)
    second, first = rows(store, tenant, "learner_contents", user="ada")
    assert (second["content"], second["last_score"]) == ("q2", 80)
    assert (first["attempts"], first["first_score"], first["best_score"], first["last_score"]) == (2, 20, 100, 100)


def test_what_arrives(store: Store, tenant: str) -> None:
    at = happened("seen", "ada", "2026-03-15T10:00", source="campus")
    late = at | {"id": "late", "received": at["timestamp"].replace(day=17)}
    tell(store, tenant, [at | {"received": at["timestamp"]}, late])
    (one,) = rows(store, tenant, "arrivals")
    assert (one["source"], one["dialect"], one["events"], one["people"], one["late"]) == ("campus", "story", 2, 1, 1)
    assert one["last_received"] == late["received"]


def test_whose_membership_has_ended_is_not_at_risk(store: Store, tenant: str) -> None:
    tell(store, tenant, COURSE)
    left = {"course_id": "maths", "user_id": "ada", "from": "2026-03-01", "to": "2026-03-15"}
    stays = left | {"user_id": "cy", "to": "2026-03-16"}
    taught = {"course_id": "art", "user_id": "cy", "role": "educator", "from": "2026-03-01", "to": "2026-03-02"}
    told = {"courses": [{"course_id": "maths"}, {"course_id": "art"}], "memberships": [left, stays, taught]}
    assert put(store, tenant, Told.model_validate(told)).rejected == []
    assert [row["user_id"] for row in rows(store, tenant, "at_risk")] == ["cy"]
    assert rows(store, tenant, "course_comparison")[0]["at_risk"] == 1
