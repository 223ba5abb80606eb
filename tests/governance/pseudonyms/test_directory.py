"""The directory: names for those who may see them, sealed, each look-up written down; and unlinking, which ends it."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from rollbook.errors import Conflict, NotFound
from rollbook.governance.audit import Trail
from rollbook.governance.directory import Directory
from rollbook.governance.pseudonyms import known_as, pseudonyms_of, version_of
from rollbook.governance.pseudonyms.unlinking import unlink
from rollbook.governance.rights.held import held
from rollbook.governance.roster import Told, put
from rollbook.governance.tenants import tenants_of
from rollbook.governance.tokens.signing import sign
from rollbook.ingest.intake import Intake
from rollbook.settings import Settings, load
from rollbook.store import Store, dead_letters
from rollbook.store.records.holdings import Known
from rollbook.store.records.sealing import SealedRecords
from tests.governance.access.showing import gated
from tests.governance.trails import shown
from tests.ingest import kept

NAMES = [
    {"user_id": "student-4711", "name": "Ada Lovelace", "email": "ada@school.example"},
    {"user_id": "student-4712", "name": "Bob Babbage"},
    {"user_id": "student-4713", "name": "Cleo Curie"},
]


@pytest.fixture
def school(store: Store, tenant: str) -> str:
    """A school with pseudonyms and a directory; grace teaches maths to 4711, and to 4712, who has left."""
    tenants_of(store).create(tenant, directory=True)
    memberships = [
        {"course_id": "maths", "user_id": "grace", "role": "educator"},
        {"course_id": "maths", "user_id": "student-4711"},
        {"course_id": "maths", "user_id": "student-4712", "to": "2020-01-01"},
        {"course_id": "art", "user_id": "student-4713"},
    ]
    told = {"courses": [{"course_id": "maths"}, {"course_id": "art"}], "memberships": memberships}
    assert put(store, tenant, Told.model_validate(told)).rejected == []
    return tenant


@pytest.fixture
def trail(store: Store) -> Iterator[Trail]:
    """The audit trail."""
    opened = Trail(store)
    yield opened
    opened.close()


@pytest.fixture
def access(store: Store) -> Settings:
    """Settings that ask who calls."""
    return load(auth="required", jwt_secret_key="a secret of at least 32 bytes, for tests", data=store.settings.data)


@pytest.fixture
def client(store: Store, trail: Trail, access: Settings) -> TestClient:
    """The application, which asks who calls, and writes it down."""
    made, _ = gated(store, access)
    made.app.state.trail = trail  # type: ignore[attr-defined]
    return made


def shows(access: Settings, tenant: str, user: str, role: str) -> dict[str, str]:
    """The headers of somebody's request."""
    return {"Authorization": f"Bearer {sign(access, tenant, user, [role])}"}


def test_who_may_see_which_names(store: Store, client: TestClient, access: Settings, school: str) -> None:
    admin, grace = shows(access, school, "office", "admin"), shows(access, school, "grace", "educator")
    ada = shows(access, school, "student-4711", "learner")
    assert client.put("/api/v2/directory", json=NAMES, headers=admin).json() == {"entries": 3}
    assert client.put("/api/v2/directory", json=NAMES, headers=grace).status_code == 403
    everyone = ("student-4711", "student-4712", "student-4713")

    def seen(headers: dict[str, str]) -> list[int]:
        return [client.get(f"/api/v2/directory/{user}", headers=headers).status_code for user in everyone]

    assert seen(admin) == [200, 200, 200]
    assert seen(grace) == [200, 404, 404]
    assert seen(ada) == [200, 404, 404]
    assert seen(shows(access, school, "numbers", "analyst")) == [403, 403, 403]
    answer = client.get("/api/v2/directory/student-4711", headers=grace).json()
    stored = known_as(store, school, "student-4711")
    assert answer == {"user_id": stored, "name": "Ada Lovelace", "email": "ada@school.example"}
    assert client.get(f"/api/v2/directory/{stored}", headers=grace).json() == answer


def test_the_names_of_a_course(store: Store, client: TestClient, access: Settings, school: str) -> None:
    admin, grace = shows(access, school, "office", "admin"), shows(access, school, "grace", "educator")
    client.put("/api/v2/directory", json=NAMES, headers=admin)
    found = client.get("/api/v2/directory", params={"course_id": "maths"}, headers=grace).json()
    assert [entry["name"] for entry in found["directory"]] == ["Ada Lovelace"]
    assert client.get("/api/v2/directory", params={"course_id": "art"}, headers=grace).status_code == 404
    other = client.get("/api/v2/directory", params={"course_id": "art"}, headers=admin).json()
    assert [entry["name"] for entry in other["directory"]] == ["Cleo Curie"]


def test_every_look_up_is_written_down(
    store: Store, trail: Trail, client: TestClient, access: Settings, school: str
) -> None:
    admin, grace = shows(access, school, "office", "admin"), shows(access, school, "grace", "educator")
    client.put("/api/v2/directory", json=NAMES, headers=admin)
    client.get("/api/v2/directory/student-4711", headers=grace)
    client.get("/api/v2/directory/student-4713", headers=grace)
    client.get("/api/v2/directory", params={"course_id": "maths"}, headers=grace)
    lines = [line for line in shown(store, trail, school) if line["action"] == "directory"]
    first, third = (known_as(store, school, user) for user in ("student-4711", "student-4713"))
    assert [line["person"] for line in reversed(lines)] == [first, third, first]
    assert {line["actor"] for line in lines} == {known_as(store, school, "grace")}


def test_names_are_kept_sealed_and_another_entry_replaces_one(store: Store, school: str) -> None:
    directory, user = Directory(store, school), known_as(store, school, "student-4711")
    directory.put({"student-4711": {"name": "Ada Byron"}})
    directory.put({user: {"name": "Ada Lovelace"}})
    assert directory.of([user]) == {user: {"name": "Ada Lovelace"}}
    (sealed,) = SealedRecords(store.records.database).names(school).values()
    assert b"Ada" not in sealed


def test_an_access_request_shows_what_the_directory_says(store: Store, school: str) -> None:
    Directory(store, school).put({"student-4711": {"name": "Ada Lovelace"}, "student-4712": {"name": "Bob"}})
    user = known_as(store, school, "student-4711")
    assert held(store, school, Known((user,)))["directory"] == [{"user": user, "name": "Ada Lovelace"}]


def test_an_entry_can_be_taken_out(client: TestClient, access: Settings, school: str) -> None:
    admin = shows(access, school, "office", "admin")
    client.put("/api/v2/directory", json=NAMES, headers=admin)
    assert client.delete("/api/v2/directory/student-4711", headers=admin).status_code == 200
    assert client.delete("/api/v2/directory/student-4711", headers=admin).status_code == 404
    assert client.get("/api/v2/directory/student-4711", headers=admin).status_code == 404


def test_a_tenant_that_keeps_no_directory_says_so(store: Store, tenant: str) -> None:
    with pytest.raises(Conflict, match="keeps no directory"):
        Directory(store, tenant)


def test_unlinking_leaves_nothing_that_leads_to_anybody(store: Store, school: str) -> None:
    intake = Intake(store)
    try:
        good = {"event_type": "seen", "event_id": "student-4711:1", "user_id": "student-4711"}
        assert intake.take_now(json.dumps(good).encode(), "native", school).ingested == 1
        intake.take_now(b'[{"user_id":"student-4712"}]', "native", school)
        Directory(store, school).put({"student-4711": {"name": "Ada Lovelace"}})
        sealing = pseudonyms_of(store).sealing
        before = known_as(store, school, "student-4711")
        kept_sealed = sealing.seal(school, b"a line", context="trail")
        old = SealedRecords(store.records.database).names(school)[before]

        gone = unlink(store, school)

        assert (gone.keys, gone.names, gone.dead_letters) == (2, 1, 1)
        assert dead_letters.listed(store.engine, school) == []
        assert Directory(store, school).of([before]) == {}
        with pytest.raises(NotFound):
            sealing.unseal(school, old, context=f"directory {before}", ring="people")
        assert sealing.unseal(school, kept_sealed, context="trail") == b"a line"
        after = known_as(store, school, "student-4711")
        assert (version_of(before), version_of(after)) == (1, 2)
        assert known_as(store, school, before) == before
        # the same event again is another one now: nothing recognises it
        assert intake.take_now(json.dumps(good).encode(), "native", school).ingested == 1
        assert sorted(event["user"] for event in kept.events(store, school)) == sorted([before, after])
    finally:
        intake.close()


def test_there_is_nothing_to_unlink_where_ids_are_kept_as_given(store: Store, tenant: str) -> None:
    with pytest.raises(Conflict, match="as they are given"):
        unlink(store, tenant)


def test_unlinking_is_for_those_who_manage_the_tenant(
    client: TestClient, access: Settings, school: str, store: Store
) -> None:
    address = f"/api/v2/tenants/{school}/unlink"
    assert client.post(address, headers=shows(access, school, "grace", "educator")).status_code == 403
    assert client.post(address, headers=shows(access, f"{school}.x", "office", "admin")).status_code == 403
    done = client.post(address, headers=shows(access, school, "office", "admin"))
    assert done.status_code == 200
    assert done.json()["keys"] == 1
