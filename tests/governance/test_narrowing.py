"""What a grant leaves out might as well not be there: every question answers as if only the rest had happened."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollbook.analyses.ask import ask
from rollbook.analyses.catalogue import BY_NAME, question
from rollbook.errors import Forbidden
from rollbook.governance.grants import Grant
from rollbook.store import Scope, Store
from tests.analyses.subjects import some_world
from tests.analyses.worlds import World

pytestmark = pytest.mark.slow

Keeps = Callable[[dict[str, Any]], bool]

every_question = pytest.mark.parametrize("name", sorted(BY_NAME))
agreeing = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def only(world: World, keeps: Keeps) -> World:
    """The same world with some of its events."""
    before, after = ([event for event in part if keeps(event)] for part in (world.before, world.after))
    return dataclasses.replace(world, before=before, after=after)


def answers(store: Store, world: World, name: str, given: dict[str, Any], grant: Grant) -> list[dict[str, Any]]:
    """The rows of a question."""
    asked = question(name, {key: value for key, value in given.items() if value is not None} | {"as_of": world.now})
    # two worlds are two tenants, which some rows name
    return [row.model_dump() | {"tenant_id": ""} for row in ask(store, asked, grant).rows]


@every_question
@given(st.data())
@agreeing
def test_of_one_course(store: Store, name: str, data: st.DataObject) -> None:
    world, given = some_world(data, name)
    expected = answers(store, world, name, given, Grant(only(world, lambda e: e["course"] == "c1").happen(store)))
    assert answers(store, world, name, given, Grant(world.happen(store), courses=("c1",))) == expected


@every_question
@given(st.data())
@agreeing
def test_without_those_who_are_left_out(store: Store, name: str, data: st.DataObject) -> None:
    world, given = some_world(data, name)
    out = data.draw(st.sampled_from((("ada",), ("bob", "zoë\t'\\x"), (*(f"n{n}" for n in range(1100)), "ada"))))
    expected = answers(store, world, name, given, Grant(only(world, lambda e: e["user"] not in out).happen(store)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rollbook.analyses.asking.reading.left_out", lambda *_: out)
        assert answers(store, world, name, given, Grant(world.happen(store))) == expected


@pytest.mark.parametrize("name", sorted(name for name in BY_NAME if "user" not in BY_NAME[name].model_fields))
@given(st.data())
@agreeing
def test_of_some_people(store: Store, name: str, data: st.DataObject) -> None:
    world, given = some_world(data, name)
    given |= {"users": None} if name == "retention" else {}
    expected = answers(store, world, name, given, Grant(only(world, lambda e: e["user"] == "ada").happen(store)))
    assert answers(store, world, name, given, Grant(world.happen(store), users=("ada",))) == expected


def test_naming_somebody_else_is_refused(store: Store, tenant: str) -> None:
    grant = Grant(tenant, users=("ada",))
    assert ask(store, question("engagement", {"user": "ada"}), grant).rows[0].user_id == "ada"
    with pytest.raises(Forbidden, match="may not see"):
        ask(store, question("engagement", {"user": "bob"}), grant)
    with pytest.raises(Forbidden, match="may not see"):
        ask(store, question("retention", {"users": ["ada", "bob"]}), grant)


def test_a_grant_decides_whose_tenant_it_is(store: Store, tenant: str) -> None:
    foreign = Scope(f"{tenant}-other", store.window_start())
    assert Grant(tenant).narrow(foreign).tenant == tenant
