"""Stories of learning: mastery, items, the effect of contents, time on task."""

import math
from typing import Any

import pytest

from rollbook.analyses import catalogue
from rollbook.analyses.ask import ask
from rollbook.analyses.learning.concept_mastery import ConceptMastery
from rollbook.analyses.learning.content_effectiveness import ContentEffectiveness
from rollbook.analyses.learning.item_analysis import ItemAnalysis
from rollbook.analyses.learning.mastery import Mastery
from rollbook.analyses.learning.time_on_task import LearnerTime, TimeOnTask
from rollbook.errors import Invalid
from rollbook.governance.grants import Grant
from rollbook.store import Store
from tests.stories import happened, tell

NOW = "2026-03-10T00:00"


def rows(store: Store, tenant: str, question: Any) -> list[dict[str, Any]]:
    """The answer."""
    return [row.model_dump() for row in ask(store, question, tenant).rows]


def quiz(user: str, at: str, score: float | None, **more: Any) -> dict[str, Any]:
    """One attempt, on the 2nd of March."""
    return happened("quiz_completion", user, f"2026-03-02T{at}", score=score, **more)


def test_mastery_by_rule_and_by_model(store: Store, tenant: str) -> None:
    tell(
        store,
        tenant,
        [
            quiz("ada", "10:00", 50.0, concept="k"),
            quiz("ada", "11:00", 70.0, concept="k"),
            quiz("ada", "12:00", 90.0, content="q"),
            quiz("ada", "13:00", None, concept="k"),
            quiz("ada", "14:00", 90.0),
            quiz("bob", "14:00", 90.0, concept="k"),
        ],
    )
    concept, content = rows(store, tenant, Mastery(user="ada", as_of=NOW))
    # not passed: 0.3 x 0.1 / (0.03 + 0.7 x 0.8), then learnt; passed: Bayes again, then learnt
    first = 0.03 / 0.59
    first += (1 - first) * 0.15
    second = first * 0.9 / (first * 0.9 + (1 - first) * 0.2)
    second += (1 - second) * 0.15
    assert concept["concept"] == "k"
    assert (concept["attempts"], concept["passed"], concept["last_score"]) == (2, 1, 70)
    assert (concept["recent_share"], concept["mastered"]) == (0.5, False)
    assert math.isclose(concept["knowledge"], second)
    assert math.isclose(concept["expected"], second * 0.9 + (1 - second) * 0.2)
    assert (content["concept"], content["recent_share"], content["mastered"]) == ("q", 1, True)


def test_the_rule_looks_at_the_last_attempts_only(store: Store, tenant: str) -> None:
    tell(store, tenant, [quiz("ada", f"10:0{n}", 10.0 if n < 4 else 90.0, concept="k") for n in range(9)])
    (one,) = rows(store, tenant, Mastery(user="ada", as_of=NOW))
    assert (one["attempts"], one["passed"], one["recent_share"], one["mastered"]) == (9, 5, 1, True)


def test_concepts_of_a_course(store: Store, tenant: str) -> None:
    tell(
        store,
        tenant,
        [
            quiz("ada", "10:00", 90.0, course="c", concept="k"),
            quiz("bob", "10:00", 20.0, course="c", concept="k"),
            quiz("bob", "11:00", 80.0, course="c", concept="k"),
            quiz("cy", "10:00", 90.0, course="other", concept="k"),
            quiz("", "10:00", 90.0, course="c", concept="k"),
        ],
    )
    (one,) = rows(store, tenant, ConceptMastery(course="c", as_of=NOW))
    assert (one["concept"], one["learners"], one["attempts"], one["mastered"]) == ("k", 2, 3, 1)
    assert (one["pass_rate"], one["mastered_share"], one["fitted"]) == (2 / 3, 0.5, False)


def test_enough_learners_make_the_model_fit(store: Store, tenant: str) -> None:
    # nobody who failed first ever passes, whoever passed first always does: known before, or never learnt
    events = []
    for n in range(30):
        score = 90.0 if n < 20 else 10.0
        events += [quiz(f"u{n}", f"1{m}:00", score, course="c", concept="k") for m in range(3)]
    tell(store, tenant, events)
    (one,) = rows(store, tenant, ConceptMastery(course="c", as_of=NOW))
    assert one["fitted"] is True
    assert math.isclose(one["initial"], 2 / 3, abs_tol=0.02)
    assert one["learn"] < 0.02
    assert math.isclose(one["knowledge"], 2 / 3, abs_tol=0.03)


def test_items_by_hand(store: Store, tenant: str) -> None:
    # first attempts: ada 100 on a, 100 on b; bob 40, 60; cy 100, 20; a second attempt does not count
    tell(
        store,
        tenant,
        [
            quiz("ada", "10:00", 100.0, content="a"),
            quiz("ada", "11:00", 100.0, content="b"),
            quiz("bob", "10:00", 40.0, content="a"),
            quiz("bob", "10:30", 100.0, content="a"),
            quiz("bob", "11:00", 60.0, content="b"),
            quiz("cy", "10:00", 100.0, content="a"),
            quiz("cy", "11:00", 20.0, content="b"),
            quiz("dan", "10:00", 40.0, content="a"),
        ],
    )
    a, b = rows(store, tenant, ItemAnalysis(least=3, as_of=NOW))
    assert (a["learners"], a["difficulty"], a["pass_rate"], a["compared"]) == (4, 0.7, 0.5, 3)
    # passed 1, 0, 1 against 100, 60, 20: covariance 0
    assert math.isclose(a["discrimination"], 0, abs_tol=1e-12)
    # passed 1, 0, 0 against 100, 40, 100: means 1/3 and 80; covariance 20/3, deviations sqrt(2)/3 and sqrt(800)
    assert math.isclose(b["discrimination"], (20 / 3) / (math.sqrt(2) / 3 * math.sqrt(800)))
    assert [row["discrimination"] for row in rows(store, tenant, ItemAnalysis(as_of=NOW))] == [None, None]


def test_scores_before_and_after_a_content(store: Store, tenant: str) -> None:
    def use(user: str, type: str = "content_view") -> dict[str, Any]:
        return happened(type, user, "2026-03-02T12:00", content="film", concept="k")

    tell(
        store,
        tenant,
        [
            quiz("ada", "10:00", 10.0, concept="k"),
            quiz("ada", "11:00", 40.0, concept="k"),
            use("ada"),
            use("ada", "content_completion"),
            quiz("ada", "13:00", 60.0, concept="k"),
            quiz("ada", "14:00", 90.0, concept="k"),
            quiz("bob", "11:00", 50.0, concept="k"),
            use("bob"),
            quiz("bob", "13:00", 80.0, concept="k"),
            quiz("cy", "11:00", 50.0, concept="k"),
            use("cy"),
            quiz("dan", "11:00", 0.0, concept="k"),
            quiz("dan", "13:00", 100.0, concept="k"),
        ],
    )
    (one,) = rows(store, tenant, ContentEffectiveness(least=2, as_of=NOW))
    assert (one["content"], one["learners"], one["completed"], one["compared"]) == ("film", 3, 1, 2)
    assert (one["before"], one["after"], one["gain"]) == (45, 70, 25)
    # gains 20 and 30: deviation sqrt(50), standard error 5
    assert math.isclose(one["low"], 25 - 1.959963984540054 * 5)
    assert math.isclose(one["high"], 25 + 1.959963984540054 * 5)


def test_time_on_task_counts_overlaps_once_and_long_silences_not_at_all(store: Store, tenant: str) -> None:
    def at(time: str, course: str, **more: Any) -> dict[str, Any]:
        return happened("content_view", "ada", f"2026-03-09T{time}", course=course, **more)

    tell(
        store,
        tenant,
        [
            at("10:00", "maths"),  # to 10:10
            at("10:10", "maths", duration=1800.0),  # to 10:40, past the next event
            at("10:20", "art"),  # to 10:30
            at("10:30", "maths"),  # to 10:45, of which 10:40 to 10:45 is new
            at("10:45", "art", duration=60.0),  # 46 minutes of silence follow: a minute
            at("11:31", "maths"),  # nothing follows
            happened("content_view", "bob", "2026-03-09T10:00", course="maths", duration=300.0),
            happened("content_view", "", "2026-03-09T10:00", course="maths", duration=300.0),
        ],
    )
    maths, art = rows(store, tenant, TimeOnTask(as_of=NOW))
    assert (maths["of"], maths["learners"], maths["seconds"], maths["median_seconds"]) == ("maths", 2, 3000, 1500)
    assert (art["of"], art["seconds"]) == ("art", 660)
    (day,) = rows(store, tenant, LearnerTime(user="ada", by="day", as_of=NOW))
    assert (day["of"], day["seconds"]) == ("2026-03-09", 46 * 60)
    (long,) = rows(store, tenant, LearnerTime(user="bob", longest_minutes=1, as_of=NOW))
    assert long["seconds"] == 60


def test_a_course_that_is_not_granted_holds_nothing(store: Store, tenant: str) -> None:
    tell(store, tenant, [quiz("ada", "10:00", 90.0, course="c", concept="k")])
    from_elsewhere = ask(store, ConceptMastery(course="c", as_of=NOW), _educator(tenant, "art"))
    assert from_elsewhere.rows == []
    assert len(ask(store, ConceptMastery(course="c", as_of=NOW), _educator(tenant, "c")).rows) == 1


def _educator(tenant: str, course: str) -> Any:
    return Grant(tenant, courses=(course,))


def test_a_model_that_is_upside_down_is_refused() -> None:
    with pytest.raises(Invalid, match="guess"):
        catalogue.question("mastery", {"user": "ada", "guess": 0.5})
