"""Expiry of the audit trail, and its signed heads on their way off the machine."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rollbook.errors import Invalid, Unavailable
from rollbook.governance.audit.heads import Heads, statement
from rollbook.governance.audit.keys import Keys, is_signed
from rollbook.settings import load
from rollbook.store import Store
from tests import processes

EXPIRE = """
    import json
    import sys
    from datetime import UTC, datetime, timedelta
    from pathlib import Path
    from rollbook.governance.audit import Trail
    from rollbook.governance.audit.checking import Checking
    from rollbook.governance.audit.expiry import expire
    from rollbook.settings import load
    from rollbook.store import Store
    from rollbook.store.records.audit import AuditRecords
    from tests.governance.trails import read, shown

    def say(trail, *more):
        verdict = Checking(store, trail.keys).check("acme")
        bad = verdict.bad and [verdict.bad.number, verdict.bad.wrong]
        print(json.dumps([verdict.lines, bad, *more]), flush=True)

    with Store(load(data=Path(sys.argv[1]), audit_days=30)) as store:
        trail = Trail(store)
        later = datetime.now(UTC) + timedelta(days=100)
        if sys.argv[2] == "first":
            for number in range(4):
                trail.note_now(read("acme", person=f"learner-{number}"))
            trail.sign()
            say(trail, expire(store, trail))
            say(trail, expire(store, trail, later))
            trail.note_now(read("acme"))
            say(trail, [line["number"] for line in shown(store, trail, "acme")])
        elif sys.argv[2] == "empty":
            # nothing is left but the checkpoint
            store.engine.command("alter table audit delete where 1", settings={"mutations_sync": 2})
            with store.records.database.write() as connection:
                connection.exec_driver_sql("update audit_checkpoints set number = 9" if sys.argv[3] == "forge" else
                                           "delete from audit_heads")
            say(trail)
            trail.note_now(read("acme"))
            say(trail, [line["number"] for line in shown(store, trail, "acme")])
        else:
            records = AuditRecords(store.records.database)
            print(json.dumps([len(records.identities_before(later)), len(records.addresses_before(later))]))
            trail.note_now(read("acme"))
            gone = "alter table audit delete where number = " + sys.argv[3]
            store.engine.command(gone, settings={"mutations_sync": 2})
            say(trail)
        trail.close()
"""


def told(folder: Path, *arguments: object) -> list[Any]:
    """What the script says, without its log."""
    return [json.loads(line) for line in processes.run(EXPIRE, folder, *arguments) if line.startswith("[")]


def test_old_months_go_behind_a_checkpoint(tmp_path: Path) -> None:
    kept, gone, on = told(tmp_path, "first")
    assert kept == [4, None, 0]
    # the fifth line says that four have gone
    assert gone == [1, None, 4]
    assert on == [2, None, [6, 5]]
    # of ada, grace and the address there is a line left; the learners were forgotten with theirs
    people, bad = told(tmp_path, "next", 5)
    assert people == [2, 1]
    assert bad == [0, [5, "line 5 is missing"]]


def test_a_chain_goes_on_from_its_checkpoint_when_no_line_is_left(tmp_path: Path) -> None:
    processes.run(EXPIRE, tmp_path, "first")
    nothing, on = told(tmp_path, "empty", "heads")
    assert nothing == [0, None]
    assert on == [1, None, [5]]


def test_a_forged_checkpoint_hides_nothing(tmp_path: Path) -> None:
    processes.run(EXPIRE, tmp_path, "first")
    nothing, _ = told(tmp_path, "empty", "forge")
    assert nothing == [0, [9, "the checkpoint was altered: its signature does not hold"]]


@pytest.fixture
def received() -> Iterator[tuple[str, list[str]]]:
    """An address, and what was posted there; it refuses the first time."""
    bodies: list[str] = []
    refusing = [True]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            refused = bool(refusing)
            if refused:
                refusing.pop()
            else:
                bodies.append(body)
            self.send_response(503 if refused else 204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/heads", bodies
        server.shutdown()


def end(tenant: str, number: int) -> tuple[str, str, int, str]:
    """The end of a chain."""
    return tenant, "chain", number, f"{number:064}"


def test_heads_are_sent_and_what_was_not_goes_with_the_next(
    store: Store, tenant: str, received: tuple[str, list[str]]
) -> None:
    address, bodies = received
    keys = Keys(store)
    heads = Heads(store, keys)
    heads._settings = load(data=store.settings.data, audit_heads=address)
    with pytest.raises(Unavailable, match="503"):
        heads.write([end(tenant, 3)])
    heads.write([end(tenant, 3), end(f"{tenant}-b", 1)])
    heads.write([end(tenant, 3)])
    (body,) = bodies
    sent = [json.loads(line) for line in body.splitlines()]
    assert [(head["tenant"], head["number"]) for head in sent] == [(tenant, 3), (f"{tenant}-b", 1)]
    for head in sent:
        assert is_signed(keys.public, statement("head", head), head["signature"])
        assert not is_signed(keys.public, statement("checkpoint", head), head["signature"])
        assert datetime.fromisoformat(head["at"]) <= datetime.now(UTC)


def test_a_file_of_heads_only_grows(store: Store, tenant: str, tmp_path: Path) -> None:
    heads = Heads(store, Keys(store))
    heads._settings = load(data=store.settings.data, audit_heads=str(tmp_path / "heads"))
    heads.write([end(tenant, 1)])
    heads.write([end(tenant, 2)])
    lines = (tmp_path / "heads").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [1, 2]
    heads._settings = load(data=store.settings.data, audit_heads=str(tmp_path / "nowhere" / "heads"))
    with pytest.raises(Unavailable, match="cannot be appended"):
        heads.write([end(tenant, 3)])


@pytest.mark.parametrize("address", ["http://example.org/heads", "ftp://example.org"])
def test_heads_travel_encrypted(address: str) -> None:
    with pytest.raises((Invalid, ValidationError), match="ROLLBOOK_AUDIT_HEADS"):
        load(audit_heads=address)
