"""The layouts: read where that is less, never another answer, whatever is deleted or corrected meanwhile."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from rollbook.analyses.ask import bind
from rollbook.analyses.catalogue import BY_NAME, QUESTIONS
from rollbook.analyses.learning.of_course import OfCourse
from rollbook.analyses.question import Question, When
from rollbook.bench.filling import term_end
from rollbook.bench.tables import MADE_UP, ONE_INSERT, OTHERS, TALKS
from rollbook.errors import Unavailable
from rollbook.store import Store
from rollbook.store.intake.layouts import LAYOUTS, STOP, change, lay_out, missing

COURSE = "course-03"
TENANT = "laid-out"
DAYS = 3
EVENTS_A_DAY = 40_000
SYNC = {"mutations_sync": 2}
BY_TYPE = sorted((kind for kind in QUESTIONS if issubclass(kind, OfCourse)), key=lambda kind: kind.name())
BY_PERSON: dict[str, dict[str, Any]] = {
    "learners": {"part": 3, "parts": 20},
    "learner_metrics": {"user": "learner-000392"},
    "gamification_progress": {"user": "learner-000392"},
    "sessions": {},
    "paths": {"event": "video_play"},
    "funnel": {"steps": ["content_view", "quiz_completion"]},
    "help_seeking": {},
    "learning_sessions": {},
    "user_behavior": {},
    "unresolved_questions": {},
    "conversation_metrics": {},
    "experiment": {"experiment": "layout", "goal": "quiz_completion"},
    "gamification_stats": {},
    "metric_list": {},
}
# in these few events nobody is absent, or plays and stops the same video
NOTHING = ("at_risk", "video_heatmap", "learner_video_parts")
# lists in the order in which they were read, which the questions sort
UNORDERED = ("scores", "days")
REQUIRED = {"content": "content-3-7", "user": "learner-000392"}
CHANGES = {
    "as it was written": "",
    "people erased": "alter table events delete where user in ('learner-000003', 'learner-000004') and {mine}",
    "scores corrected": "alter table events update score = 100 where cityHash64(id) % 5 = 0 and score > 0 and {mine}",
    "a course renamed": "alter table events update course = 'course-03' where course = 'course-04' and {mine}",
    "events expired": "delete from events where cityHash64(id) % 7 = 0 and {mine}",
}


@pytest.fixture(scope="module")
def filled(store: Store) -> Store:
    """A tenant with some granules of every course, laid out."""
    made_up(store, EVENTS_A_DAY)
    lay_out(store.engine, least=0, wait=True)
    return store


def made_up(store: Store, count: int) -> int:
    """So many events of each of some days, of which the last ends with the bench's term, and rarer ones; how many."""
    rare = count // 20
    for day in range(DAYS):
        begin = term_end() - timedelta(days=DAYS - day)
        bound = {
            "tenant": TENANT,
            "day": day,
            "days": DAYS,
            "learners": 2_000,
            "begin_ms": int(begin.timestamp() * 1000),
        }
        with store.rollups.writing([(TENANT, begin.date()), (TENANT, (begin + timedelta(days=1)).date())]):
            for number, insert in enumerate((MADE_UP, TALKS, OTHERS)):
                some = count if insert == MADE_UP else rare
                first = day * count + number * DAYS * count
                store.engine.command(insert, bound | {"first": first, "count": some}, settings=ONE_INSERT)
    return DAYS * (count + 2 * rare)


def asked(kind: type[Question[Any]], **more: Any) -> tuple[str, dict[str, Any]]:
    """The SQL of a question about the whole term, and what is bound to it."""
    required = {name for name, one in kind.model_fields.items() if one.is_required()}
    when = When(TENANT, term_end(), "UTC")
    question = kind(**{name: REQUIRED[name] for name in required - more.keys()} | more, as_of=when.now)
    return bind(question, question.scope(when), when)


def answers(store: Store, sql: str, bound: dict[str, Any], *, laid_out: bool) -> list[str]:
    """The rows with and without the layout, with as many digits of numbers as the order of adding up leaves alone."""
    rows = store.engine.query(sql, bound, settings={"optimize_use_projections": int(laid_out)}, unlimited=True)
    return sorted(repr([(name, rounded(name, value)) for name, value in row.items()]) for row in rows)


def rounded(name: str, value: Any) -> Any:
    if name in UNORDERED:
        return sorted(value)
    return round(value, 6) if isinstance(value, float) else value


def planned(store: Store, sql: str, bound: dict[str, Any]) -> str:
    """How a question is read."""
    return "\n".join(next(iter(row.values())) for row in store.engine.query(f"explain {sql}", bound, unlimited=True))


@pytest.mark.parametrize("change", CHANGES)
def test_no_answer_changes(filled: Store, change: str) -> None:
    if CHANGES[change]:
        settings = {"mutations_sync": 2, "lightweight_deletes_sync": 2}
        filled.engine.command(CHANGES[change].replace("{mine}", f"tenant = '{TENANT}'"), settings=settings)
    for again in (False, True):
        if again:
            filled.engine.command("alter table events apply deleted mask", settings={"mutations_sync": 2})
            lay_out(filled.engine, least=0, wait=True)
        for kind, more in ways():
            question = asked(kind, **more)
            told = answers(filled, *question, laid_out=True)
            assert told == answers(filled, *question, laid_out=False), (kind.name(), more, again)
            assert told or kind.name() in NOTHING, kind.name()


def ways() -> Iterator[tuple[type[Question[Any]], dict[str, Any]]]:
    """Questions of courses about one and all; and those about one learner, some, or everybody one after the other."""
    for kind in BY_TYPE:
        yield kind, {}
        yield kind, {"course": COURSE}
    for name, more in BY_PERSON.items():
        yield BY_NAME[name], more


@pytest.mark.parametrize("name", ["learners", "sessions", "paths"])
def test_people_are_read_from_their_layout(filled: Store, name: str) -> None:
    lay_out(filled.engine, least=0, wait=True)
    assert "by_person" in planned(filled, *asked(BY_NAME[name], **BY_PERSON[name]))


@pytest.mark.parametrize("name", ["item_analysis", "pass_rate", "video_engagement", "content_effectiveness"])
def test_a_course_is_read_from_the_layout(filled: Store, name: str) -> None:
    (kind,) = (kind for kind in BY_TYPE if kind.name() == name)
    lay_out(filled.engine, least=0, wait=True)
    assert "by_type" in planned(filled, *asked(kind, course=COURSE))


def test_the_last_days_are_read_alone(filled: Store) -> None:
    scope = When(TENANT, term_end(), "UTC").last(1)
    sql = scope.sql("select sum(length(session)) as n from scope")
    bound = {name: value for name, value in scope.parameters().items() if "{" + name + ":" in sql}
    (read,) = filled.engine.query(f"explain estimate {sql}", bound, unlimited=True)
    assert 0 < read["rows"] < DAYS * EVENTS_A_DAY / 2


def test_a_change_waits_for_no_layout(filled: Store) -> None:
    fresh = made_up(filled, 100)
    filled.engine.command("system stop merges events")
    try:
        assert lay_out(filled.engine, least=0) >= fresh
        assert lay_out(filled.engine, least=0) == 0
        assert undone(filled) == 1
        filled.engine.command(STOP)
        assert undone(filled) == 0
    finally:
        filled.engine.command("system start merges events")
    change(
        filled.engine,
        f"alter table events delete where user = 'learner-000005' and tenant = '{TENANT}'",
        {},
        settings=SYNC,
    )
    assert lay_out(filled.engine, least=0, wait=True) >= fresh


def test_a_change_that_fails_leaves_nothing_behind(filled: Store) -> None:
    lay_out(filled.engine, least=0, wait=True)
    failing = f"alter table events delete where throwIf(user = 'learner-000006') = 1 and tenant = '{TENANT}'"
    with pytest.raises(Unavailable):
        change(filled.engine, failing, {}, settings=SYNC)
    assert undone(filled) == 0
    # without the layout there was a second try
    assert lay_out(filled.engine, least=0, wait=True) >= DAYS * EVENTS_A_DAY / 2


def undone(store: Store) -> int:
    sql = "select uniqExact(mutation_id) as n from system.mutations where table = 'events' and not is_done"
    return int(store.engine.query(sql, unlimited=True)[0]["n"])


def test_inserts_lay_nothing_out_and_few_events_are_left(filled: Store) -> None:
    lay_out(filled.engine, least=0, wait=True)
    fresh = made_up(filled, 100)
    assert missing(filled.engine) == dict.fromkeys(LAYOUTS, fresh)
    assert lay_out(filled.engine, least=fresh + 1) == 0
    assert lay_out(filled.engine, least=fresh, wait=True) == fresh
    assert lay_out(filled.engine, least=0, wait=True) == 0
