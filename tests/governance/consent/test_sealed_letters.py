"""Dead letters are sealed where they lie, and expire."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from rollbook.governance.consent import Decision, decide
from rollbook.governance.letters import opened
from rollbook.governance.pseudonyms import pseudonyms_of
from rollbook.ingest import dead_letters as letters
from rollbook.ingest.intake import Intake
from rollbook.settings import load
from rollbook.store import Store, dead_letters
from rollbook.store.dead_letters import DeadLetter
from tests.governance.rights.scanning import scan
from tests.ingest import kept

SECRET, PLACE = "quicksilver-marmalade", "somewhere-over-the-rainbow"


def refused(intake: Intake, tenant: str) -> None:
    """A letter with a secret in its body and in the detail of what was wrong."""
    intake.take_now(json.dumps({"event_type": "seen", "timestamp": SECRET, "note": PLACE}).encode(), "native", tenant)


def plain(tenant: str, body: bytes) -> DeadLetter:
    """A letter as it was kept before letters were sealed."""
    return DeadLetter(
        tenant=tenant, dialect="native", stage="read", reason="invalid_type", detail="old", position=0, body=body
    )


def listed(client: TestClient, tenant: str) -> list[dict[str, Any]]:
    """What the API shows."""
    answer = client.get("/api/v2/dead-letters", params={"tenant_id": tenant}).json()
    found: list[dict[str, Any]] = answer["dead_letters"]
    return found


def test_no_file_tells_what_a_letter_says(store: Store, intake: Intake, client: TestClient, tenant: str) -> None:
    other = "tell-tale-unsealed-marker"
    dead_letters.add(store.engine, [plain(tenant, other.encode())], datetime.now(UTC), 1_000)
    refused(intake, tenant)
    store.engine.command("optimize table dead_letters final")
    # what is looked for is found where it is not sealed
    assert "dead_letters part" in scan(store.settings.data, [other])
    assert scan(store.settings.data, [SECRET, PLACE]) == {}
    sealed, old = listed(client, tenant)
    assert (json.loads(sealed["body"])["note"], SECRET in sealed["detail"], sealed["encoding"]) == (PLACE, True, "text")
    assert (old["body"], old["detail"]) == (other, "old")


def test_sealed_letters_are_shown_and_taken_in_again(intake: Intake, store: Store, tenant: str) -> None:
    intake.take_now(b'[{"event_type": "seen", "user_id": 1.5}, {"event_type": "\xff"}]', "native", tenant)
    first, second = kept.letters(store, tenant)
    assert (first["body"], second["body"]) == (b'{"event_type": "seen", "user_id": 1.5}', b'{"event_type": "\xff"}')
    dead_letters.add(store.engine, [plain(tenant, b'{"event_type": "old"}')], datetime.now(UTC), 1_000)
    done = letters.replay(intake, tenant)
    assert (done.replayed, {one["id"] for one in done.failed}) == (1, {first["id"], second["id"]})
    rows = dead_letters.listed(store.engine, tenant, replayed=True)
    assert [row["encoding"] for row in rows] == ["text"]


def test_a_letter_is_bound_to_its_tenant_and_id(intake: Intake, store: Store, tenant: str) -> None:
    refused(intake, tenant)
    refused(intake, tenant)
    mine, other = dead_letters.listed(store.engine, tenant)
    sealing = pseudonyms_of(store).sealing
    (moved,) = opened(sealing, tenant, [mine | {"body": other["body"]}])
    assert (moved["encoding"], "altered" in moved["detail"]) == ("sealed", True)
    broken = base64.b64decode(mine["body"])[:-1] + b"\0"
    (cut,) = opened(sealing, tenant, [mine | {"body": base64.b64encode(broken).decode()}])
    assert cut["encoding"] == "sealed"


def test_letters_whose_key_was_destroyed_stay_sealed(
    intake: Intake, store: Store, client: TestClient, tenant: str
) -> None:
    refused(intake, tenant)
    pseudonyms_of(store).sealing.destroy(tenant)
    (letter,) = listed(client, tenant)
    assert (letter["encoding"], "destroyed" in letter["detail"]) == ("sealed", True)
    assert PLACE not in json.dumps(letter)
    (failed,) = letters.replay(intake, tenant).failed
    assert "destroyed" in failed["detail"]


def test_letters_expire(store: Store, tenant: str) -> None:
    now = datetime.now(UTC)
    for days in (31, 29, 0):
        dead_letters.add(store.engine, [plain(tenant, f"{days}".encode())], now - timedelta(days=days), 1_000)
    (_, old, _) = dead_letters.listed(store.engine, tenant)
    dead_letters.mark_replayed(store.engine, tenant, [old["id"]], now)
    assert dead_letters.expire(store.engine, now - timedelta(days=30)) >= 1
    assert [row["body"] for row in dead_letters.listed(store.engine, tenant)] == ["0", "29"]


def test_the_task_keeps_letters_for_as_many_days_as_is_set(intake: Intake, store: Store, tenant: str) -> None:
    assert load().dead_letter_days == store.settings.dead_letter_days == 30
    for days in (30, 30.01):
        at = datetime.now(UTC) - timedelta(days=days) + timedelta(minutes=5)
        dead_letters.add(store.engine, [plain(tenant, f"{days}".encode())], at, 1_000)
    letters.expire(intake)
    assert [row["body"] for row in dead_letters.listed(store.engine, tenant)] == ["30"]


def test_replaying_a_letter_of_somebody_who_opted_out_takes_nothing(intake: Intake, store: Store, tenant: str) -> None:
    body = b'{"event_type": "seen", "user_id": "ada"}'
    dead_letters.add(store.engine, [plain(tenant, body)], datetime.now(UTC), 1_000)
    decide(store, tenant, Decision(user="ada", purpose="analytics", given=False))
    (failed,) = letters.replay(intake, tenant).failed
    assert failed["reason"] == "not_permitted"
    assert kept.events(store, tenant) == []
