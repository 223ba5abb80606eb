"""What holds for every question in the catalogue."""

import dataclasses
import json
import re
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from rollbook.analyses.ask import ask, bind
from rollbook.analyses.catalogue import BY_NAME, question
from rollbook.analyses.question import Question, When
from rollbook.errors import Invalid, NotFound
from rollbook.store import Store
from tests.analyses.subjects import SUBJECT_OF, SUBJECTS
from tests.stories import happened, tell

NOW = datetime(2026, 3, 6, 12, tzinfo=UTC)
SCOPES = (
    "scope",
    "activity_scope",
    "learner_days_scope",
    "late_days_scope",
    "people_scope",
    "not_taken_scope",
    "conversations_scope",
    "texts_scope",
)
# Who names a scope more than once, and how often: where keeping what it says takes longer than reading it again. Events
# of sessions with an id need no sorting, those of others do; sessions count on other days than their events; stats find
# who is shown, at_risk who came lately, and an experiment who was exposed, before they read what these did; what
# messages say is read of messages only, and scores around the use of a content apart from who used it; what each person
# did with a page is kept apart from what all did.
OFTEN = {
    "learning_sessions": {"scope": 2},
    "learning_overview": {"scope": 2},
    "learning_heatmap": {"scope": 2},
    "daily_activity_summary": {"scope": 3},
    "at_risk": {"activity_scope": 2},
    "gamification_stats": {"scope": 2},
    "experiment": {"scope": 2},
    "page_engagement": {"scope": 2},
    "help_seeking": {"scope": 2},
    "content_effectiveness": {"scope": 3},
}


def asked(name: str, **more: Any) -> Question[Any]:
    """The question with only what it must have."""
    needed = dict(SUBJECT_OF[name].needed.get(name, {}))
    return question(name, needed | {"as_of": NOW} | more)


def answer(store: Store, tenant: str, name: str, **more: Any) -> dict[str, Any]:
    """What a client gets."""
    return json.loads(ask(store, asked(name, **more), tenant).model_dump_json())  # type: ignore[no-any-return]


def some_days(store: Store, tenant: str, user: str) -> None:
    """A little of everything, on four days, two of them rolled up."""
    tell(store, tenant, [happened(t, user, f"2026-03-02T1{n}:00", content="c") for n, t in enumerate(TYPES)])
    tell(store, tenant, [happened("page_view", user, "2026-03-03T10:00")])
    tell(store, tenant, [event for subject in SUBJECTS for event in subject.story(user)])
    store.rollups.roll(quiet_seconds=0)
    tell(store, tenant, [happened("quiz_completion", user, "2026-03-05T10:00", score=90.0)])
    tell(store, tenant, [happened("session_start", user, "2026-03-06T11:59:59.999", duration=60.0)])


TYPES = ("session_start", "content_view", "completion", "quiz_completion")

every_question = pytest.mark.parametrize("name", sorted(BY_NAME))


@every_question
def test_it_answers_an_empty_scope(store: Store, tenant: str, name: str) -> None:
    found = answer(store, tenant, name)
    assert found["question"] == name
    assert found["as_of"] == "2026-03-06T12:00:00Z"
    assert found["timezone"] == "UTC"
    skip = {"weekday", "hour", "n", "period_days", "window_days"} | SUBJECT_OF[name].of_nobody
    for row in found["rows"]:
        assert not [value for value in numbers(row, skip=skip) if value]


def numbers(row: dict[str, Any], skip: set[str]) -> list[float]:
    """All numbers in a row, those in lists and objects too."""
    found = []
    for name, value in row.items():
        if isinstance(value, dict):
            found += numbers(value, skip)
        elif name not in skip:
            found += [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, int | float)]
    return found


@every_question
def test_another_tenant_changes_nothing(store: Store, tenant: str, name: str) -> None:
    other = f"{tenant}-other"
    some_days(store, tenant, "ada")
    before = answer(store, tenant, name)
    some_days(store, other, "ada")
    some_days(store, other, "bob")
    assert answer(store, tenant, name) == before
    assert answer(store, f"{tenant}-nobody", name)["rows"] != before["rows"] or name in SUBJECT_OF[name].nothing_found


@every_question
def test_it_answers_the_same_from_events_and_from_rollups(store: Store, tenant: str, name: str) -> None:
    for user in ("ada", "bob", ""):
        some_days(store, tenant, user)
    part = answer(store, tenant, name)
    store.rollups.roll(quiet_seconds=0)
    assert answer(store, tenant, name) == part


@every_question
def test_what_comes_after_now_changes_nothing(store: Store, tenant: str, name: str) -> None:
    some_days(store, tenant, "ada")
    before = answer(store, tenant, name)
    tell(store, tenant, [happened(t, u, "2026-03-06T12:00:00.001") for t in TYPES for u in ("ada", "bob")])
    assert answer(store, tenant, name) == before
    store.rollups.roll(quiet_seconds=0)
    assert answer(store, tenant, name) == before


@every_question
@pytest.mark.parametrize("hot", [None, {date(2026, 3, 2), date(2026, 3, 6)}], ids=["another zone", "two hot days"])
def test_it_reads_each_table_once(store: Store, tenant: str, name: str, hot: set[date] | None) -> None:
    some_days(store, tenant, "ada")
    when = When(tenant, NOW, "UTC")
    one = asked(name)
    sql, bound = bind(one, dataclasses.replace(one.scope(when), hot=hot), when)
    plan = [next(iter(row.values())) for row in store.engine.query(f"explain {sql}", bound)]
    reads = [line for line in plan if re.search(r"\bReadFromMergeTree", line)]
    named = [scope for scope in SCOPES for _ in re.findall(rf"(?<!\w){scope}(?!\w)", one.sql)]
    # a rollup's scope is read from the rollup and, where days are hot or cut, from the events
    most = sum(1 if scope == "scope" or hot is None else 2 for scope in named)
    assert named
    assert Counter(named) == dict.fromkeys(named, 1) | OFTEN.get(name, {})
    assert 1 <= len(reads) <= most
    assert len(one.sql.strip().splitlines()) < 60


@every_question
def test_its_form_is_whole(name: str) -> None:
    kind = BY_NAME[name]
    assert kind.__doc__
    assert "?" in kind.__doc__.splitlines()[0]
    assert kind.answer().__doc__
    described = {n for n, field in kind.model_fields.items() if field.description or field.metadata}
    assert described == set(kind.model_fields)
    json.dumps(kind.model_json_schema())
    json.dumps(kind.answer().model_json_schema())


def test_an_unknown_question_lists_those_there_are() -> None:
    with pytest.raises(NotFound, match=r"no question 'retnetion'; there are: .*retention"):
        question("retnetion", {})


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("retention", {"period": "soon"}, "period: .*not 'soon'.*Its parameters: .*users"),
        ("retention", {"perid": 7}, "perid: "),
        ("engagement", {}, "user: Field required"),
        ("engagement", {"user": ""}, "user: "),
        ("engagement", {"user": "ada", "window": "7x"}, "window: "),
        ("active_users", {"timezone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ("cohort_analysis", {"cohort_date": "yesterday"}, "cohort_date: "),
        ("cohort_analysis", {"cohort_date": "2026-03-02", "periods": "1,x"}, "periods"),
    ],
)
def test_what_is_wrong_is_named(name: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        question(name, given)


def test_parameters_may_be_text() -> None:
    assert question("retention", {"period": "30", "users": "ada, bob"}).model_dump()["users"] == ("ada", "bob")
    assert question("engagement", {"user": "ada", "window": "2w"}).model_dump()["window"] == 14
    assert question("cohort_analysis", {"cohort_date": "2026-03-02", "periods": "1,30"}).model_dump()["periods"] == (
        1,
        30,
    )


def test_the_moment_is_kept_to_the_millisecond_in_utc(store: Store, tenant: str) -> None:
    found = ask(store, question("totals", {"as_of": "2026-03-06T13:00:00.123456+01:00"}), tenant)
    assert found.as_of == datetime(2026, 3, 6, 12, 0, 0, 123000, tzinfo=UTC)
    assert isinstance(found, BaseModel)
