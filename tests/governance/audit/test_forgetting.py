"""Forgetting in the audit trail: the chain stays whole, and nothing says any more who it was."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollbook.governance.audit import Trail
from rollbook.governance.audit.reading import FORGOTTEN
from rollbook.store import Store
from rollbook.store.records.audit import AuditRecords
from tests import processes
from tests.files import content
from tests.governance.trails import bad, read, shown


@pytest.fixture(scope="module")
def trail(store: Store) -> Iterator[Trail]:
    """The trail of the shared store."""
    opened = Trail(store)
    yield opened
    opened.close()


def records_bytes(store: Store) -> bytes:
    """All that SQLite keeps on disk, its log too."""
    return b"".join(content(path) for path in sorted(store.settings.data.glob("records.db*")))


def test_a_person_is_forgotten_and_the_chain_stays(store: Store, trail: Trail, tenant: str) -> None:
    trail.note_now(read(tenant), read(tenant, person="bob"), read(tenant, actor="ada", person="bob"))
    trail.sign()
    assert trail.forget(tenant, "ada") == 1
    assert bad(store, trail, tenant) is None
    last, second, first = shown(store, trail, tenant)
    assert (first["actor"], first["person"]) == ("grace", FORGOTTEN)
    assert (second["actor"], second["person"]) == ("grace", "bob")
    assert (last["actor"], last["person"], last["address"]) == (FORGOTTEN, "bob", FORGOTTEN)
    assert shown(store, trail, tenant, person="ada") == []
    assert len(shown(store, trail, tenant, person="bob")) == 2
    assert trail.forget(tenant, "ada") == 0


def test_what_could_tell_who_it_was_is_gone_from_the_disk(store: Store, trail: Trail, tenant: str) -> None:
    trail.note_now(read(tenant, actor="lovelace", person="babbage"))
    records, id = AuditRecords(store.records.database), trail.keys.digest("identity", tenant, "lovelace")
    (row,) = records.identities([id])
    (line,) = store.engine.query("select * from audit where tenant = {t:String}", {"t": tenant})
    (address,) = records.addresses([line["address"]])
    secrets = [row["key"], row["sealed"], address["sealed"]]
    assert all(secret in records_bytes(store) for secret in secrets)
    assert line["actor"] == row["digest"]

    trail.forget(tenant, "lovelace")
    held = records_bytes(store)
    assert not [secret for secret in secrets if secret in held]
    for name in (b"lovelace", b"babbage", b"192.0.2.7"):
        assert name not in held
        assert base64.b64encode(name) not in held


def test_lines_after_it_are_nobodys_that_was_before(store: Store, trail: Trail, tenant: str) -> None:
    trail.note_now(read(tenant))
    trail.forget(tenant, "ada")
    trail.note_now(read(tenant))
    later, before = store.engine.query(
        "select person from audit where tenant = {t:String} order by number desc", {"t": tenant}
    )
    assert later["person"] != before["person"]
    assert [line["person"] for line in shown(store, trail, tenant)] == ["ada", FORGOTTEN]


def test_a_token_is_forgotten_with_its_person(store: Store, trail: Trail, tenant: str) -> None:
    trail.note_now(read(tenant, actor="token:ada", person="", credential="token:ada"))
    assert trail.forget(tenant, "ada") == 1
    (line,) = shown(store, trail, tenant)
    assert (line["actor"], line["credential"]) == (FORGOTTEN, "token")


def test_the_secret_is_in_no_file_as_it_is(tmp_path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from rollbook.governance.audit import Trail
        from rollbook.settings import load
        from rollbook.store import Store

        with Store(load(data=Path(sys.argv[1]))) as store:
            trail = Trail(store)
            print(trail.keys.id)
            print(trail.keys._secret.hex())
            trail.close()
    """
    key, secret = processes.run(script, tmp_path)
    assert processes.run(script, tmp_path) == [key, secret]
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert bytes.fromhex(secret) not in path.read_bytes()
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
