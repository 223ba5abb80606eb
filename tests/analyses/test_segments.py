"""Segments: whoever is in none might as well never have come, and few people are not told of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rollbook.analyses.active_users import ActiveUsers
from rollbook.analyses.ask import ask
from rollbook.analyses.catalogue import BY_NAME, question
from rollbook.analyses.question import When
from rollbook.analyses.segments import Condition, Wanted, delete, listed, put
from rollbook.analyses.totals import Totals
from rollbook.errors import Forbidden, Invalid, NotFound
from rollbook.governance.caller import Caller
from rollbook.governance.consent import Decision, decide
from rollbook.governance.grants import Grant
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from tests.analyses.subjects import some_world
from tests.analyses.worlds import TYPES, World
from tests.governance.test_narrowing import answers, only
from tests.oracles.segments import members
from tests.stories import happened, tell

MANY = sorted(name for name in BY_NAME if "user" not in BY_NAME[name].model_fields)
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
QUIZ = {"did": {"type": "quiz_completion"}}
agreeing = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def keep(store: Store, tenant: str, condition: Any, name: str = "some") -> None:
    """Keep a segment."""
    put(store, Grant(tenant), name, Wanted.model_validate({"condition": condition}))


@st.composite
def conditions(draw: st.DrawFn, world: World) -> dict[str, Any]:
    """Any condition, a little deep."""
    day = (world.now - timedelta(days=draw(st.sampled_from((0, 1, 7, 30))))).date().isoformat()
    optional: dict[str, st.SearchStrategy[Any]] = {
        "type": st.sampled_from((*TYPES[:3], "never")),
        "course": st.sampled_from(("c1", "m1")),
        "at_least": st.integers(1, 3),
    }
    one, both = {"since": day}, {"since": day, "until": day}
    periods: list[dict[str, Any]] = [{}, {"last_days": 1}, {"last_days": 7}, one, {"until": day}, both]
    period = draw(st.sampled_from(periods))
    did = st.fixed_dictionaries({}, optional=optional).map(lambda given: {"did": {**given, **period}})
    seen = st.sampled_from(({"since": day}, {"until": day}, {"since": day, "until": day}))
    leaves = did | seen.map(lambda days: {"first_seen": days}) | st.just({"in_course": "c1"})
    some = st.lists(leaves, min_size=1, max_size=3)
    deeper = some.map(lambda of: {"all": of}) | some.map(lambda of: {"any": of}) | leaves.map(lambda of: {"not": of})
    return draw(leaves | deeper | deeper.map(lambda of: {"not": of}))


@pytest.mark.parametrize("name", MANY)
@given(st.data())
@agreeing
def test_a_question_about_a_segment_knows_of_nobody_else(store: Store, name: str, data: st.DataObject) -> None:
    world, given_parameters = some_world(data, name)
    given_parameters |= {"users": None} if name == "retention" else {}
    condition = data.draw(conditions(world))
    zone = given_parameters.get("timezone") or world.zone
    inside = members(Condition.model_validate(condition), world.events, When("", world.now, zone))
    note(f"{condition}: {inside}")
    of_these = only(world, lambda event: event["user"] in inside).happen(store)
    expected = answers(store, world, name, given_parameters, Grant(of_these))
    tenant = world.happen(store)
    keep(store, tenant, condition)
    assert answers(store, world, name, given_parameters | {"segment": "some"}, Grant(tenant)) == expected


@pytest.mark.parametrize("name", MANY)
@given(st.data())
@agreeing
def test_a_part_is_answered_as_if_nothing_else_had_happened(store: Store, name: str, data: st.DataObject) -> None:
    world, given_parameters = some_world(data, name)
    given_parameters |= {"users": None} if name == "retention" else {}
    column = data.draw(st.sampled_from(("type", "type", "course", "channel", "source")))
    value = data.draw(st.sampled_from(sorted({event.get(column) or "" for event in world.events} | {"c1"})))
    of_these = only(world, lambda event: (event.get(column) or "") == value).happen(store)
    expected = answers(store, world, name, given_parameters, Grant(of_these))
    assert answers(store, world, name, given_parameters, Grant(world.happen(store), part=(column, value))) == expected


@pytest.fixture
def class_of_nine(store: Store, tenant: str) -> str:
    """u0 to u8: all read, on ever later days; u0 to u5 also take quizzes, as many as their number."""
    events = [happened("read", f"u{n}", f"2026-03-{10 + n}T10:00", course="art") for n in range(9)]
    events += [
        happened("quiz_completion", f"u{n}", f"2026-03-2{k}T10:00", course="maths") for n in range(6) for k in range(n)
    ]
    tell(store, tenant, [*events, happened("quiz_completion", "", "2026-03-20T10:00", course="maths")])
    return tenant


def people(store: Store, tenant: str, **more: Any) -> int:
    """How many people a question finds."""
    return ask(store, Totals(as_of=NOW, **more), tenant).only().people


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (QUIZ, 5),
        ({"did": {"type": "quiz_completion", "at_least": 3}}, 3),
        # 23 March, noon, and after: the fourth and fifth quiz
        ({"did": {"type": "quiz_completion", "last_days": 8}}, 1),
        ({"did": {"type": "quiz_completion", "since": "2026-03-23", "until": "2026-03-23"}}, 2),
        ({"not": QUIZ}, 4),
        ({"first_seen": {"since": "2026-03-12", "until": "2026-03-14"}}, 3),
        ({"in_course": "maths"}, 5),
        ({"all": [QUIZ, {"first_seen": {"since": "2026-03-13"}}]}, 3),
        ({"any": [QUIZ, {"first_seen": {"since": "2026-03-18"}}]}, 6),
        ({"did": {"course": "chess"}}, 0),
    ],
)
def test_by_hand(store: Store, class_of_nine: str, condition: Any, found: int) -> None:
    keep(store, class_of_nine, condition)
    assert people(store, class_of_nine, segment="some") == found


def test_it_is_answered_as_of_the_questions_now(store: Store, class_of_nine: str) -> None:
    keep(store, class_of_nine, QUIZ)
    asked = Totals(as_of=datetime(2026, 3, 20, tzinfo=UTC), segment="some")
    assert ask(store, asked, class_of_nine).only().people == 0


def test_who_opts_out_is_in_no_segment(store: Store, class_of_nine: str) -> None:
    keep(store, class_of_nine, {"not": QUIZ})
    decide(store, class_of_nine, Decision(user="u8", purpose="analytics", given=False))
    assert people(store, class_of_nine, segment="some") == 3


def test_within_courses_only_what_was_done_there_counts(store: Store, class_of_nine: str) -> None:
    keep(store, class_of_nine, QUIZ)
    asked = Totals(as_of=NOW, segment="some")
    assert ask(store, asked, Grant(class_of_nine, courses=("art",))).only().people == 0
    assert ask(store, asked, Grant(class_of_nine, courses=("maths",))).only().people == 5


def test_few_people_are_not_told_of(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("a", f"u{n:02}", "2026-03-10T10:00") for n in range(20)])
    tell(store, tenant, [happened("b", f"u{n:02}", "2026-03-11T10:00") for n in range(10)])
    tell(store, tenant, [happened("c", f"u{n:02}", "2026-03-11T10:00") for n in range(4)])
    analyst = Grant(tenant, cells=True)
    for name, condition in (
        ("half", {"did": {"type": "b"}}),
        ("few", {"did": {"type": "c"}}),
        ("nearly", {"not": {"did": {"type": "c"}}}),
        ("all", {"did": {}}),
    ):
        keep(store, tenant, condition, name)
    assert ask(store, Totals(as_of=NOW, segment="half"), analyst).only().people == 10
    for name in ("few", "nearly", "all"):
        with pytest.raises(Forbidden, match="withheld"):
            ask(store, Totals(as_of=NOW, segment=name), analyst)
    found = ask(store, Totals(as_of=NOW, breakdown="segment:half,few,nearly"), analyst)
    assert found.parts is not None
    assert [(part.value, part.rows[0].people) for part in found.parts] == [("half", 10)]
    assert found.withheld_parts == 2
    tenants_of(store).change(tenant, perturbation=True)
    for more in ({"segment": "half"}, {"breakdown": "course"}):
        with pytest.raises(Forbidden, match="perturbed"):
            ask(store, Totals(as_of=NOW, days=7, **more), analyst)


def test_an_analyst_changes_only_their_own(store: Store, tenant: str) -> None:
    keep(store, tenant, QUIZ)
    analyst = Grant(tenant, cells=True, caller=Caller(tenant, frozenset({"analyst"}), "token:ana", "ana"))
    wanted = Wanted.model_validate({"condition": QUIZ})
    with pytest.raises(Forbidden, match="somebody else's"):
        put(store, analyst, "some", wanted)
    with pytest.raises(Forbidden, match="somebody else's"):
        delete(store, analyst, "some")
    assert put(store, analyst, "mine", wanted).made_by == "ana"
    assert put(store, analyst, "mine", wanted.model_copy(update={"title": "Keen"})).title == "Keen"
    assert put(store, Grant(tenant), "mine", wanted).made_by == "ana"
    delete(store, analyst, "mine")
    assert [one.id for one in listed(store, tenant)] == ["some"]


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({}, "exactly one of did, first_seen"),
        ({"did": {}, "in_course": "a"}, "this has 2"),
        ({"all": []}, "at least 1 item"),
        ({"did": {"last_days": 3, "since": "2026-03-01"}}, "not both"),
        ({"first_seen": {}}, "since, until or both"),
        ({"first_seen": {"since": "2026-03-02", "until": "2026-03-01"}}, "is before since"),
        ({"not": {"not": {"not": {"not": {"not": QUIZ}}}}}, "at most 5 deep"),
        ({"any": [{"all": [QUIZ] * 11}, {"all": [QUIZ] * 10}]}, "21 conditions"),
        ({"did": {"kind": "quiz"}}, "kind"),
    ],
)
def test_what_is_no_condition(condition: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Wanted.model_validate({"condition": condition})


def test_what_cannot_be_asked(store: Store, tenant: str) -> None:
    keep(store, tenant, QUIZ)
    with pytest.raises(NotFound, match="no segment 'other'; there are: some"):
        ask(store, question("totals", {"segment": "other"}), tenant)
    with pytest.raises(Invalid, match="about one person"):
        ask(store, question("engagement", {"user": "ada", "segment": "some"}), tenant)
    with pytest.raises(Invalid, match="not both"):
        ask(store, question("retention", {"users": "ada", "segment": "some"}), tenant)
    with pytest.raises(Invalid, match="once"):
        ask(store, question("totals", {"segment": "some", "breakdown": "segment:some"}), tenant)
    with pytest.raises(Invalid, match="no period"):
        ask(store, question("totals", {"compare": "previous"}), tenant)
    with pytest.raises(Invalid, match="1981 or later"):
        ask(store, question("totals", {"days": 3660, "as_of": "1981-02-01", "compare": "previous"}), tenant)


def test_the_period_before_is_what_would_have_been_answered_then(store: Store, tenant: str) -> None:
    store.records.set_timezone(tenant, "Europe/Zurich")
    tell(store, tenant, [happened("a", f"u{n}", f"2026-03-{20 + n}T10:00") for n in range(10)])
    now = datetime(2026, 3, 30, 9, tzinfo=UTC)
    found = ask(store, Totals(days=7, as_of=now, compare="previous"), tenant)
    assert found.parameters == {"days": 7, "compare": "previous"}
    assert (found.only().events, found.before and found.before.rows[0].events) == (7, 3)
    # calendar days: the clocks were put forward on 29 March, so 11:00 there was an hour later here
    asked = ActiveUsers(days=3, as_of=now, compare="previous")
    before = ask(store, asked, tenant).before
    assert before is not None
    assert before.as_of == datetime(2026, 3, 27, 10, tzinfo=UTC)
    assert [(row.day.day, row.dau) for row in before.rows] == [(25, 1), (26, 1), (27, 1)]


def test_each_course_alone(store: Store, class_of_nine: str) -> None:
    found = ask(store, Totals(days=30, as_of=NOW, breakdown="course", compare="previous"), class_of_nine)
    assert found.parts is not None
    assert [(part.value, part.rows[0].people, part.rows[0].events) for part in found.parts] == [
        ("maths", 5, 16),
        ("art", 9, 9),
    ]
    assert all(part.before and part.before.rows[0].people == 0 for part in found.parts)
    by_type = ask(store, Totals(as_of=NOW, breakdown="type"), class_of_nine).parts
    assert by_type is not None
    assert [(part.value, part.rows[0].people) for part in by_type] == [("quiz_completion", 5), ("read", 9)]
    keep(store, class_of_nine, {"all": [{"in_course": "maths"}, {"in_course": "art"}]})
    of_both = ask(store, Totals(as_of=NOW, breakdown="course", segment="some"), class_of_nine).parts
    assert of_both is not None
    assert [(part.value, part.rows[0].people) for part in of_both] == [("maths", 5), ("art", 5)]
    of_one = ask(store, Totals(as_of=NOW, breakdown="course"), Grant(class_of_nine, courses=("art",)))
    assert of_one.parts is not None
    assert [part.value for part in of_one.parts] == ["art"]
