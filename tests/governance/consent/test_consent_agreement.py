"""Whoever opts out might as well never have come: every question answers as if their events did not exist."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.governance.consent import Decision, decide, object_to, restrict
from rollbook.governance.grants import Grant
from rollbook.governance.roster import Told, put
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from tests.analyses.subjects import some_world
from tests.governance.test_narrowing import agreeing, answers, every_question, only

pytestmark = pytest.mark.slow

Ends = Callable[[Store, str, str], None]


def withdraw(store: Store, tenant: str, user: str) -> None:
    """They opt out."""
    decide(store, tenant, Decision(user=user, purpose="analytics", given=False))


def be_a_child(store: Store, tenant: str, user: str) -> None:
    """They turn out to be a child, for whom nobody has consented."""
    told = {"people": [{"user_id": user, "birth_year": datetime.now(UTC).year - 8}]}
    assert put(store, tenant, Told.model_validate(told)).rejected == []


WAYS: dict[str, Ends] = {
    "withdrawn": withdraw,
    "restricted": lambda store, tenant, user: restrict(store, tenant, user, True),
    "objected": lambda store, tenant, user: object_to(store, tenant, user),
    "a child": be_a_child,
}


@every_question
@given(st.data())
@agreeing
def test_of_people_who_opted_out_no_question_knows(store: Store, name: str, data: st.DataObject) -> None:
    world, asked = some_world(data, name)
    people = sorted({event["user"] for event in (*world.before, *world.after)} - {""})
    out = data.draw(st.dictionaries(st.sampled_from(people), st.sampled_from(sorted(WAYS)))) if people else {}
    expected = answers(store, world, name, asked, Grant(only(world, lambda e: e["user"] not in out).happen(store)))
    tenant = world.happen(store)
    for user, way in out.items():
        WAYS[way](store, tenant, user)
    assert answers(store, world, name, asked, Grant(tenant)) == expected


@pytest.mark.parametrize("name", ["totals", "active_users", "retention"])
@given(st.data())
@agreeing
def test_where_consent_comes_first_only_those_who_gave_it_count(store: Store, name: str, data: st.DataObject) -> None:
    world, asked = some_world(data, name)
    people = sorted({event["user"] for event in (*world.before, *world.after)} - {""})
    consented = data.draw(st.sets(st.sampled_from(people))) if people else set()
    kept = consented | {""}
    expected = answers(store, world, name, asked, Grant(only(world, lambda e: e["user"] in kept).happen(store)))
    tenant = world.happen(store)
    tenants_of(store).change(tenant, purposes={"analytics": False})
    decide(store, tenant, *(Decision(user=user, purpose="analytics", given=True) for user in sorted(consented)))
    assert answers(store, world, name, asked, Grant(tenant)) == expected
