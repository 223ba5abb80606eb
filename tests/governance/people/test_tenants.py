"""Tenants: made, listed, changed; each key only its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rollbook.errors import Conflict, Invalid
from rollbook.governance.keys import Keys
from rollbook.governance.tenants import TenantSettings, tenants_of
from rollbook.settings import Settings
from rollbook.store import Store
from rollbook.store.records import Records
from tests.cli.terminal import rollbook
from tests.delivery.serving import serve
from tests.governance.access.showing import gated
from tests.governance.people.schools import package, school

PATH = "/api/v2/tenants"


@pytest.fixture
def client(store: Store) -> TestClient:
    """The routes, with open access."""
    return serve(store)


def test_a_tenant_that_is_made_has_pseudonyms_and_the_local_one_has_none(client: TestClient, tenant: str) -> None:
    made = client.post(PATH, json={"id": tenant, "name": "North", "timezone": "Europe/London"})
    assert made.status_code == 201
    told = made.json()
    assert (told["id"], told["name"], told["timezone"]) == (tenant, "North", "Europe/London")
    assert (told["settings"]["pseudonyms"], told["set"]) == (True, ["pseudonyms", "purposes"])
    assert client.get(f"{PATH}/{tenant}").json() == told
    assert client.post(PATH, json={"id": tenant}).status_code == 409
    assert not TenantSettings().pseudonyms


def test_a_tenant_can_be_made_with_plain_ids(client: TestClient, store: Store, tenant: str) -> None:
    assert client.post(PATH, json={"id": tenant, "settings": {"pseudonyms": False}}).status_code == 201
    assert not tenants_of(store).settings(tenant).pseudonyms
    # null is not false: it asks for what a new tenant has
    client.post(PATH, json={"id": f"{tenant}-b", "settings": {"pseudonyms": None}})
    assert tenants_of(store).settings(f"{tenant}-b").pseudonyms


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"id": ""}, "name it with 1 to 64 letters"),
        ({"id": "a/b"}, "name it with 1 to 64 letters"),
        ({"timezone": "Mars/Olympus"}, "timezone 'Mars/Olympus' is not known"),
        ({"settings": {"colour": 1}}, "there is no setting 'colour' of a tenant; there are: pseudonyms"),
        ({"settings": {"smallest_cell": 0}}, "settings.smallest_cell: Input should be greater than or equal to 1"),
        ({"settings": {"issuers": [{"issuer": "x"}]}}, "settings.issuers.0.jwks_url: Field required"),
        ({"colour": 1}, "body field colour"),
    ],
)
def test_a_wrong_tenant_is_not_made(client: TestClient, tenant: str, wanted: dict[str, Any], reason: str) -> None:
    answer = client.post(PATH, json={"id": tenant} | wanted)
    assert answer.status_code == 422
    assert answer.json()["detail"].find(reason) >= 0, answer.text
    assert client.get(f"{PATH}/{tenant}").status_code == 404


def test_what_is_not_named_stays_and_null_takes_back(client: TestClient, store: Store, tenant: str) -> None:
    client.post(PATH, json={"id": tenant, "settings": {"smallest_cell": 7, "country": "DE"}})
    changed = client.patch(f"{PATH}/{tenant}", json={"name": "South", "settings": {"country": None, "text_days": 9}})
    settings = changed.json()["settings"]
    assert (settings["smallest_cell"], settings["country"], settings["text_days"]) == (7, "", 9)
    assert changed.json()["set"] == ["pseudonyms", "purposes", "smallest_cell", "text_days"]
    assert changed.json()["name"] == "South"
    assert tenants_of(store).settings(tenant).text_days == 9
    assert client.patch(f"{PATH}/nobody", json={}).status_code == 404


def test_a_new_zone_counts_other_days(client: TestClient, store: Store, tenant: str) -> None:
    client.post(PATH, json={"id": tenant})
    assert client.patch(f"{PATH}/{tenant}", json={"timezone": "Asia/Tokyo"}).json()["timezone"] == "Asia/Tokyo"
    assert store.zone_of(tenant) == "Asia/Tokyo"
    assert client.patch(f"{PATH}/{tenant}", json={"name": "x"}).json()["timezone"] == "Asia/Tokyo"
    assert client.patch(f"{PATH}/{tenant}", json={"timezone": None}).json()["timezone"] == store.settings.timezone
    assert client.patch(f"{PATH}/{tenant}", json={"timezone": "Mars"}).status_code == 422


def test_the_mode_of_ids_is_fixed_once_there_are_users(client: TestClient, store: Store, tenant: str) -> None:
    client.post(PATH, json={"id": tenant})
    assert client.patch(f"{PATH}/{tenant}", json={"settings": {"pseudonyms": False}}).status_code == 200
    client.put("/api/v2/roster", json={"people": [{"user_id": "ada"}]}, params={"tenant_id": tenant})
    assert client.patch(f"{PATH}/{tenant}", json={"settings": {"pseudonyms": True}}).status_code == 409
    assert client.patch(f"{PATH}/{tenant}", json={"settings": {"pseudonyms": False}}).status_code == 200
    with pytest.raises(Conflict, match="has users already"):
        tenants_of(store).change(tenant, pseudonyms=True)


def test_settings_that_are_wrong_leave_what_was(store: Store, tenant: str) -> None:
    tenants = tenants_of(store)
    tenants.create(tenant, smallest_cell=7)
    with pytest.raises(Invalid, match=r"settings\.smallest_cell"):
        tenants.change(tenant, smallest_cell="many", text_days=3)
    assert (tenants.settings(tenant).smallest_cell, tenants.settings(tenant).text_days) == (7, 30)


def test_a_key_changes_its_own_tenant_alone_and_lists_none(store: Store, tenant: str) -> None:
    client, _ = gated(store)
    for one in (tenant, f"{tenant}-b"):
        tenants_of(store).create(one)
    key, _ = Keys(store).create(tenant, "admin")
    headers = {"X-API-Key": key}
    assert client.get(f"{PATH}/{tenant}", headers=headers).status_code == 200
    assert client.patch(f"{PATH}/{tenant}", json={"name": "x"}, headers=headers).status_code == 200
    for call in (
        client.get(f"{PATH}/{tenant}-b", headers=headers),
        client.patch(f"{PATH}/{tenant}-b", json={"name": "x"}, headers=headers),
        client.get(f"{PATH}/{tenant}-b", headers=headers, params={"tenant_id": tenant}),
        client.get(PATH, headers=headers),
        client.post(PATH, json={"id": f"{tenant}-c"}, headers=headers),
    ):
        assert call.status_code == 403
    read, _ = Keys(store).create(tenant, "read")
    assert client.get(f"{PATH}/{tenant}", headers={"X-API-Key": read}).status_code == 403
    assert client.get(f"{PATH}/{tenant}").status_code == 401


def test_two_who_make_the_same_tenant_make_it_once(store: Store, settings: Settings, tenant: str) -> None:
    other = Records(settings)
    tenants_of(store).create(tenant, "first")
    with pytest.raises(Conflict):
        other.make_tenant(tenant, name="second", timezone=None, settings={})
    other.close()
    found = store.records.tenant(tenant)
    assert found is not None
    assert found["name"] == "first"


def test_the_command_line_makes_shows_and_changes_tenants_and_takes_a_roster(tmp_path: Path) -> None:
    def run(*words: object, code: int = 0) -> str:
        done = rollbook(*words, "--data", tmp_path / "data")
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    assert run("tenant", "create", "north", "--plain-ids", "--timezone", "Europe/London") == "north\n"
    assert "there is a tenant 'north' already" in run("tenant", "create", "north", code=3)
    shown = json.loads(run("tenant", "set", "north", "smallest_cell=7", "name=North", "scrub=true", "--json"))
    assert (shown["name"], shown["settings"]["smallest_cell"], shown["settings"]["scrub"]) == ("North", 7, True)
    assert "write it as key=value" in run("tenant", "set", "north", "scrub", code=2)
    assert json.loads(run("tenant", "show", "north", "--json")) == shown
    assert [one["id"] for one in json.loads(run("tenant", "list", "--json"))] == ["north"]
    files = school()
    told = run("roster", "import", package(tmp_path / "school", files), "--tenant", "north")
    assert "memberships: 3 new" in told
    files["enrollments"][0]["role"] = "wizard"
    wrong = run("roster", "import", package(tmp_path / "school", files), "--tenant", "north", code=1)
    assert "enrollments.csv line 2: role 'wizard'" in wrong
    course = json.loads(run("roster", "course", "c1", "--tenant", "north", "--json"))
    assert {member["user_id"] for member in course["members"]} == {"t1", "s1", "s2"}
