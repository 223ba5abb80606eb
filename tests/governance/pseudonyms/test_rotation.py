"""Changing the key: everybody has another pseudonym afterwards, everywhere, and nothing else has changed."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa
import pytest

from rollbook.analyses import catalogue
from rollbook.analyses.ask import ask
from rollbook.errors import Conflict, Unavailable
from rollbook.governance.directory import Directory
from rollbook.governance.pseudonyms import known_as, pseudonyms_of, rotation, version_of
from rollbook.governance.pseudonyms.rotation import rotate
from rollbook.governance.roster import Told, put
from rollbook.governance.tenants import tenants_of
from rollbook.governance.tombstones import tombstones_of
from rollbook.ingest.intake import Intake
from rollbook.store import Store, rewriting
from rollbook.store.erasing import Erasing
from rollbook.store.rewriting import FOLLOWING, TABLES
from tests.ingest import kept

USERS = [f"student-47{n:02}" for n in range(12)]
MONTHS = ("2026-01", "2026-02", "2026-03")


@pytest.fixture
def intake(store: Store) -> Iterator[Intake]:
    """The way in, closed at the end."""
    opened = Intake(store)
    yield opened
    opened.close()


@pytest.fixture
def school(store: Store, tenant: str, intake: Intake) -> str:
    """A school of which everything is known by pseudonyms: events of three months, a roster, a directory, records."""
    tenants_of(store).create(tenant, directory=True)
    told = [
        {
            "event_type": "seen",
            "event_id": f"{month}:{user}",
            "user_id": user,
            "timestamp": f"{month}-02T10:00:00Z",
            "metadata": {"course_id": "maths", "actor": user, "peer": f"with {user}", "session_id": f"{user}/1"},
        }
        for month in MONTHS
        for user in USERS
    ]
    told.append({"event_type": "system", "timestamp": "2026-01-05T00:00:00Z", "metadata": {"user_id": USERS[0]}})
    assert intake.take_now(json.dumps(told).encode(), "native", tenant).ingested == len(told)
    place = {"course_id": "maths", "user_id": USERS[0]}
    people = [{"user_id": USERS[0], "identities": [{"scheme": "sis", "value": "s-1"}]}]
    roster = {"courses": [{"course_id": "maths"}], "people": people, "memberships": [place]}
    assert put(store, tenant, Told.model_validate(roster)).rejected == []
    Directory(store, tenant).put({USERS[0]: {"name": "Ada"}})
    stored = known_as(store, tenant, USERS[0])
    store.records.put_learners([{"tenant": tenant, "id": stored, "traits": {"mentor": stored}}])
    enrolment: dict[str, Any] = {"registered": None, "unregistered": None, "result": None, "traits": {}}
    store.records.put_enrolments([{"tenant": tenant, "learner": stored, "course": "maths"} | enrolment])
    store.rollups.roll(quiet_seconds=0, of=tenant)
    return tenant


def answers(store: Store, tenant: str) -> list[Any]:
    """What is asked of everyone, which no pseudonym changes."""
    day = {"as_of": "2026-04-01T00:00:00Z"}
    asked = [catalogue.question(name, day) for name in ("totals", "events_by_day", "cohorts", "event_distribution")]
    return [ask(store, question, tenant).rows for question in asked]


def change(store: Store, intake: Intake, tenant: str, progress: Callable[..., None] = lambda *_: None) -> int:
    """Change the key."""
    return rotate(store, tenant, drained=partial(intake.drain, grace_seconds=0), progress=progress)


def check(store: Store, tenant: str, before: list[Any], version: int = 2) -> None:
    """Everything is as it was, under the pseudonyms of this version."""
    events = kept.events(store, tenant)
    assert len(events) == len(USERS) * len(MONTHS) + 1
    assert {event["user"] for event in events if event["user"]} == {known_as(store, tenant, user) for user in USERS}
    assert {version_of(event["user"]) for event in events if event["user"]} == {version}
    assert f"p{version - 1}_" not in json.dumps(events, default=str)
    assert answers(store, tenant) == before
    assert store.rollups.differences(tenant) == []
    stored = known_as(store, tenant, USERS[0])
    timeline = ask(store, catalogue.question("timeline", {"user": USERS[0], "limit": 100}), tenant)
    assert len(timeline.rows) == len(MONTHS)
    assert Directory(store, tenant).of([stored]) == {stored: {"name": "Ada"}}
    assert [(row["id"], row["traits"]) for row in store.records.learners(tenant)] == [(stored, {"mentor": stored})]
    (enrolment,) = store.records.enrolments(tenant)
    assert enrolment["learner"] == stored
    people = store.records.people
    assert [row["user"] for row in people.memberships(tenant, course="maths")] == [stored]
    assert people.persons_of(tenant, stored)


def test_everything_is_known_under_the_new_key(store: Store, intake: Intake, school: str) -> None:
    before, told = answers(store, school), []
    old = known_as(store, school, USERS[0])
    assert change(store, intake, school, lambda *how_far: told.append(how_far)) == 2
    check(store, school, before)
    assert known_as(store, school, old) == known_as(store, school, USERS[0]) != old
    rows = len(USERS) * len(MONTHS) + 1
    assert told[-1] == (rows, rows, "records")
    again = {"event_type": "seen", "event_id": f"2026-01:{USERS[0]}", "user_id": USERS[0]}
    assert intake.take_now(json.dumps([again]).encode(), "native", school).duplicates == 1
    assert change(store, intake, school) == 3
    check(store, school, before, version=3)


class Stopped(Exception):
    """What stops a change in these tests."""


def stop(*_: Any, **__: Any) -> None:
    """Stop."""
    raise Stopped


PLACES = {
    "while a stretch is written": (rewriting, "renamed"),
    "before the old rows are deleted": (rewriting.Rewriting, "drop"),
    "before the records": (rotation, "_switch"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_change_that_was_stopped_goes_on(
    store: Store, intake: Intake, school: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = answers(store, school)
    with monkeypatch.context() as patched:
        patched.setattr(*PLACES[place], stop)
        with pytest.raises(Stopped):
            change(store, intake, school)
    with pytest.raises(Unavailable, match="is being changed"):
        known_as(store, school, USERS[0])
    with pytest.raises(Unavailable, match="is being changed"):
        intake.take_now(b'{"event_type":"seen","user_id":"x"}', "native", school)
    assert change(store, intake, school) == 2
    check(store, school, before)


def test_rows_that_were_half_written_are_not_doubled(
    store: Store, intake: Intake, school: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, insert = answers(store, school), store.engine.insert

    def torn(table: str, rows: Any) -> None:
        insert(table, rows.slice(0, len(rows) // 2) if table == "events" else rows)
        if table == "events":
            raise Stopped

    with monkeypatch.context() as patched:
        patched.setattr(store.engine, "insert", torn)
        with pytest.raises(Stopped):
            change(store, intake, school)
    assert len(kept.events(store, school)) > len(USERS) * len(MONTHS) + 1
    assert change(store, intake, school) == 2
    check(store, school, before)


def test_who_was_erased_before_the_change_is_not_taken_after_it(store: Store, intake: Intake, school: str) -> None:
    tombstones = tombstones_of(store)
    tombstones.bury(school, [known_as(store, school, "student-gone")], "a request")
    change(store, intake, school)
    gone, there = (known_as(store, school, user) for user in ("student-gone", USERS[0]))
    assert tombstones.erased(school, [gone, there]) == {gone}
    assert tombstones.lift(school, [gone]) == 1
    assert tombstones.erased(school, [gone, there]) == set()


def test_what_comes_back_from_an_archive_is_carried_forward(store: Store, intake: Intake, school: str) -> None:
    old = known_as(store, school, USERS[0])
    change(store, intake, school)
    columns = ("user", "properties", "session", "content", "concept", "conversation", "source", "channel")
    told = {name: [""] for name in columns} | {"user": [old], "properties": [f'{{"of":"{old}","n":"p9_{"A" * 24}"}}']}
    row = rotation.carried(store, school, pa.table(told)).to_pylist()[0]
    new = known_as(store, school, USERS[0])
    assert (row["user"], row["properties"]) == (new, f'{{"of":"{new}","n":"p9_{"A" * 24}"}}')


def test_other_tenants_notice_nothing(store: Store, intake: Intake, school: str) -> None:
    other = f"{school}.other"
    tenants_of(store).create(other)
    intake.take_now(b'{"event_type":"seen","user_id":"ada","timestamp":"2026-02-02T00:00:00Z"}', "native", other)
    before = kept.events(store, other)
    change(store, intake, school)
    assert kept.events(store, other) == before
    assert version_of(known_as(store, other, "ada")) == 1


def test_every_table_of_people_is_rewritten_or_follows(store: Store) -> None:
    assert {target.table for target in Erasing(store.engine).targets()} == TABLES.keys() | set(FOLLOWING)


def test_there_is_no_key_to_change_where_ids_are_kept_as_given(store: Store, tenant: str, intake: Intake) -> None:
    with pytest.raises(Conflict, match="as they are given"):
        change(store, intake, tenant)
    assert pseudonyms_of(store).sealing.versions(tenant, "people") == ()
