"""Requests: who may ask for what, what waits, what is refused; and what is done for each kind but erasure."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollbook.errors import Conflict, Forbidden, Invalid, NotFound
from rollbook.governance import consent
from rollbook.governance.caller import Caller
from rollbook.governance.grants import Grant
from rollbook.governance.rights import Request, Rights
from rollbook.jobs.durable import Durable
from rollbook.settings import load
from rollbook.store import Store
from rollbook.store.records.rights import RightsRecords
from tests.stories import happened, tell

MOST_SECONDS = 60


@pytest.fixture(scope="module")
def durable(store: Store) -> Iterator[Durable]:
    """The work of the shared store, stopped at the end."""
    opened = Durable(store)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def rights(durable: Durable) -> Rights:
    """The rights of the shared store."""
    return durable.rights


def ended(rights: Rights, grant: Grant, asked: Request) -> Request:
    """A request when it has ended."""
    end = time.monotonic() + MOST_SECONDS
    while (found := rights.show(grant, asked.request_id)).state in ("received", "running"):
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found


def own(tenant: str, user: str) -> Grant:
    """What a learner may see: themselves."""
    return Grant(tenant, (user,), caller=Caller(tenant, frozenset({"learner"}), f"token:{user}", user))


def wards(tenant: str, *users: str) -> Grant:
    """What a guardian may see: their wards."""
    return Grant(tenant, users, caller=Caller(tenant, frozenset({"guardian"}), "token:parent", "parent"))


def test_a_package_holds_everything_twice_and_nothing_of_others(rights: Rights, store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view", "ada", id="a1", score=7.5), happened("view", "bob", id="b1")])
    store.records.put_learners([{"tenant": tenant, "id": "ada", "traits": {"likes": "=1+1"}}])
    done = ended(rights, Grant(tenant), rights.ask(Grant(tenant), "portability", "ada"))
    assert (done.kind, done.state) == ("access", "done")
    assert done.receipt is not None
    assert done.receipt["done"]["collect"]["rows"]["events"] == 1
    with zipfile.ZipFile(io.BytesIO(rights.package(Grant(tenant), done.request_id).content)) as package:
        events = json.loads(package.read("events.json"))
        assert [(row["id"], row["score"]) for row in events] == [("a1", 7.5)]
        assert package.read("events.csv").decode().splitlines()[1].startswith(f"{tenant},a1,view,ada,")
        assert json.loads(package.read("learners.json"))[0]["traits"] == {"likes": "=1+1"}
        readme = package.read("README.txt").decode()
        assert "events: 1 rows; what you did, as it came in" in readme
        assert all("bob" not in package.read(name).decode() for name in package.namelist())


def test_a_package_expires(rights: Rights, store: Store, tenant: str) -> None:
    done = ended(rights, Grant(tenant), rights.ask(Grant(tenant), "access", "ada"))
    assert done.package_until is not None
    assert timedelta(days=29) < done.package_until - datetime.now(UTC) <= timedelta(days=30)
    assert rights.package(Grant(tenant), done.request_id).content
    RightsRecords(store.records.database).change(done.request_id, package_until=datetime.now(UTC))
    assert rights.expire() == 1
    with pytest.raises(NotFound, match="has no package"):
        rights.package(Grant(tenant), done.request_id)


def test_rectified_events_and_what_is_counted_from_them_agree(rights: Rights, store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view", "ada", id="a1", duration=10.0, properties='{"page": 1, "duration": 10}')])
    tell(store, tenant, [happened("view", "bob", id="b1", duration=5.0)])
    store.rollups.roll(quiet_seconds=0, of=tenant)
    right = {"event_id": "a1", "duration": 70.0, "score": 3.5, "properties": {"page": 2}}
    others = {"event_id": "b1", "duration": 1.0}
    wishes = {"events": [right, others], "traits": {"pronoun": "she"}}
    store.records.put_learners([{"tenant": tenant, "id": "ada", "traits": {"age": 20}}])
    done = ended(rights, Grant(tenant), rights.ask(Grant(tenant), "rectification", "ada", wishes))
    assert done.receipt is not None
    # another's event is not hers to rectify
    assert done.receipt["done"] == {"correct": {"learners": 1, "people": 0, "events": 1}}
    sql = "select id, duration, score, properties from events where tenant = {tenant:String} order by id"
    first, second = store.engine.query(sql, {"tenant": tenant})
    assert (first["duration"], first["score"], second["duration"]) == (70.0, 3.5, 5.0)
    assert json.loads(first["properties"]) == {"page": 2, "duration": 70.0, "score": 3.5}
    assert store.rollups.differences(tenant) == []
    seconds = "select sum(seconds) as s from activity where tenant = {tenant:String}"
    assert store.engine.query(seconds, {"tenant": tenant})[0]["s"] == 75.0
    learner = store.records.learner(tenant, "ada")
    assert learner is not None
    assert learner["traits"] == {"age": 20, "pronoun": "she"}


def test_nobody_rectifies_their_own_marks(rights: Rights, store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("quiz_completion", "ada", id="q", score=40.0)])
    mine, staff = own(tenant, "ada"), Grant(tenant)
    asked = rights.ask(mine, "rectification", "ada", {"events": [{"event_id": "q", "score": 100}]})
    assert (asked.state, asked.waits_for) == ("received", "acceptance by the tenant")
    with pytest.raises(Forbidden):
        rights.accept(mine, asked.request_id)
    assert ended(rights, staff, rights.accept(staff, asked.request_id)).state == "done"
    sql = "select score from events where tenant = {tenant:String}"
    assert store.engine.query(sql, {"tenant": tenant})[0]["score"] == 100.0


def test_what_waits_can_be_refused_with_a_reason_or_taken_back(rights: Rights, tenant: str) -> None:
    mine, staff = own(tenant, "ada"), Grant(tenant)
    wishes = {"traits": {"age": 30}}
    refused = rights.ask(mine, "rectification", "ada", wishes)
    with pytest.raises(Invalid, match="say why"):
        rights.refuse(staff, refused.request_id, " ")
    assert rights.refuse(staff, refused.request_id, "the register says 20").why == "the register says 20"
    taken_back = rights.cancel(mine, rights.ask(mine, "rectification", "ada", wishes).request_id)
    assert (taken_back.state, taken_back.why) == ("refused", "cancelled by who asked")
    with pytest.raises(Conflict, match="was begun"):
        rights.cancel(mine, taken_back.request_id)


def test_learners_ask_for_themselves_guardians_for_wards(rights: Rights, tenant: str) -> None:
    mine = rights.ask(own(tenant, "ada"), "access", "ada")
    theirs = rights.ask(wards(tenant, "bob"), "access", "bob")
    assert (mine.asked_by, theirs.asked_by) == ("the person", "a guardian")
    with pytest.raises(Forbidden, match="you may not ask for user 'bob'"):
        rights.ask(own(tenant, "ada"), "erasure", "bob")
    with pytest.raises(NotFound):
        rights.show(own(tenant, "ada"), theirs.request_id)
    with pytest.raises(NotFound):
        rights.show(Grant(f"{tenant}-other"), mine.request_id)
    assert [one.request_id for one in rights.listed(own(tenant, "ada"))] == [mine.request_id]
    assert {one.request_id for one in rights.listed(Grant(tenant))} == {mine.request_id, theirs.request_id}
    for asked in (mine, theirs):
        ended(rights, Grant(tenant), asked)


def test_objection_and_restriction_hold_when_they_are_done(rights: Rights, store: Store, tenant: str) -> None:
    staff = Grant(tenant)
    ended(rights, staff, rights.ask(staff, "objection", "ada", {"purposes": ["prediction"]}))
    assert consent.left_out(store, tenant, "prediction") == ("ada",)
    assert consent.left_out(store, tenant, "analytics") == ()
    ended(rights, staff, rights.ask(staff, "restriction", "ada", {"why": "it is disputed"}))
    assert consent.left_out(store, tenant, "analytics") == ("ada",)
    ended(rights, staff, rights.ask(staff, "restriction", "ada", {"on": False}))
    assert consent.left_out(store, tenant, "analytics") == ()


@pytest.mark.parametrize(
    ("kind", "wishes", "said"),
    [
        ("access", {"why": "because"}, "takes nothing but the user"),
        ("rectification", {}, "say what is right"),
        ("rectification", {"events": [{"event_id": "e", "user": "bob"}]}, "events.0.user"),
        ("objection", {"purposes": ["everything"]}, "purposes.0"),
    ],
)
def test_wishes_that_do_not_fit_are_refused(
    rights: Rights, tenant: str, kind: Any, wishes: dict[str, Any], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        rights.ask(Grant(tenant), kind, "ada", wishes)


def test_a_request_has_a_deadline_and_says_nothing_of_whom(rights: Rights, store: Store, tenant: str) -> None:
    asked = rights.ask(Grant(tenant), "access", "a-very-special-user")
    assert asked.deadline - asked.received == timedelta(days=load().rights_days)
    row = RightsRecords(store.records.database).one(asked.request_id)
    assert "a-very-special-user" not in str(asked)
    assert "a-very-special-user" not in str(row)
    ended(rights, Grant(tenant), asked)


def test_a_request_that_failed_can_be_begun_again(rights: Rights, store: Store, tenant: str) -> None:
    records = RightsRecords(store.records.database)
    done = ended(rights, Grant(tenant), rights.ask(Grant(tenant), "access", "ada"))
    with pytest.raises(Conflict, match="has not failed"):
        rights.again(Grant(tenant), done.request_id)
    records.change(done.request_id, state="failed", receipt=None)
    again = ended(rights, Grant(tenant), rights.again(Grant(tenant), done.request_id))
    assert (again.state, again.receipt is not None) == ("done", True)


def test_who_was_erased_can_be_readmitted(rights: Rights, store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view", "ada"), happened("view", "bob")])
    ended(rights, Grant(tenant), rights.ask(Grant(tenant), "erasure", "ada"))
    standing = consent.standing_of(store, tenant)
    assert not standing.rules["analytics"].may("ada")
    assert standing.rules["analytics"].may("bob")
    with pytest.raises(Forbidden):
        rights.readmit(own(tenant, "ada"), "ada")
    assert rights.readmit(Grant(tenant), "ada") == 1
    assert consent.standing_of(store, tenant).rules["analytics"].may("ada")
