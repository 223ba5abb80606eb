"""Erasure: afterwards nothing of the person is left in any byte of the data folder, and everybody else is as before.

Each test has a folder and a process of its own. It shows first that the scan finds the person wherever they are.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.governance.rights.erased import PLAIN, VEILED
from tests.governance.rights.scanning import needles
from tests.processes import run, started

ERASE = """
    import json, sys
    from pathlib import Path
    from rollbook.app import Rollbook
    from tests.governance.rights import erased
    from tests.governance.rights.scanning import scan, scan_sealed

    data, tenant = Path(sys.argv[1]), sys.argv[2]
    with Rollbook(erased.settings(data)) as book:
        erased.build(book, tenant)
        erased.request(book, tenant, "access", erased.ADA)
        words, hashes = erased.words(book, tenant), erased.hashes(book, tenant)
        before, trail = erased.others(book, tenant), erased.trail(book, tenant)
        memory = [erased.kept(book, tenant, words)]
        told = {"before": {**scan(data, words, hashes=hashes)}, "sealed": scan_sealed(book.store, tenant, words)}
        done = erased.request(book, tenant, "erasure", erased.ADA)
        memory += [erased.kept(book, tenant, words, ask_first=False), erased.kept(book, tenant, words)]
        told |= {"memory": memory}
        told |= {"state": done.state, "receipt": done.receipt, "trail": trail, "forgotten": erased.trail(book, tenant)}
        told |= {"after": scan(data, words, hashes=hashes), "sealed_after": scan_sealed(book.store, tenant, words)}
        told |= {"same": erased.others(book, tenant) == before, "differences": book.store.rollups.differences(tenant)}
        again = [{"event_type": "view", "user_id": user} for user in (erased.ADA, erased.ALSO_ADA, erased.OTHERS[0])]
        told |= {"again": erased.send(book, tenant, again), "rows": erased.rows_of(book, tenant)}
        told |= {"letters": scan_sealed(book.store, tenant, words)}
    told["closed"] = scan(data, words, hashes=hashes)
    print(json.dumps(told, default=lambda one: sorted(one) if isinstance(one, set) else str(one)))
"""

BEGIN = """
    import sys, time
    from pathlib import Path
    from rollbook.app import Rollbook
    from rollbook.governance.grants import Grant
    from rollbook.store.records.rights import RightsRecords
    from tests.governance.rights import erased

    data, tenant, until = Path(sys.argv[1]), "plain", sys.argv[2]
    with Rollbook(erased.settings(data)) as book:
        erased.build(book, tenant)
        asked = book.rights.ask(Grant(tenant), "erasure", erased.ADA)
        records = RightsRecords(book.store.records.database)
        while until not in records.one(asked.request_id)["steps"]:
            time.sleep(0.001)
        print("request", asked.request_id, flush=True)
        time.sleep(600)
"""

GO_ON = """
    import json, sys
    from pathlib import Path
    from rollbook.app import Rollbook
    from tests.governance.rights import erased
    from tests.governance.rights.scanning import scan, scan_sealed

    data, tenant = Path(sys.argv[1]), "plain"
    with Rollbook(erased.settings(data)) as book:
        words, hashes = erased.words(book, tenant), erased.hashes(book, tenant)
        done = erased.ended(book, tenant, sys.argv[2])
        told = {"state": done.state, "why": done.why, "receipt": done.receipt}
        told |= {"after": scan(data, words, hashes=hashes), "sealed": scan_sealed(book.store, tenant, words)}
        told |= {"differences": book.store.rollups.differences(tenant)}
    print(json.dumps(told, default=lambda one: sorted(one) if isinstance(one, set) else str(one)))
"""

EVERYWHERE = {
    "events part",
    "activity part",
    "people part",
    "learner_days part",
    "sealed_activity part",
    "archive",
    "message_texts part",
    "message_texts mutation",
    "records.db",
}


@pytest.fixture(scope="module", params=[PLAIN, VEILED])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What there was before an erasure, and after it."""
    found: dict[str, Any] = json.loads(run(ERASE, tmp_path_factory.mktemp("erased"), request.param)[-1])
    return found


def test_nothing_is_left_of_an_erased_person(told: dict[str, Any]) -> None:
    # the scan finds them, wherever they are
    assert told["before"].keys() >= EVERYWHERE
    assert set(told["sealed"]) == {"dead letters", "packages"}
    assert told["state"] == "done"
    assert (told["after"], told["closed"]) == ({}, {})
    # kept answers had them too
    assert told["memory"] == [True, False, False]
    assert (told["sealed_after"], told["letters"]) == ([], [])


def test_others_are_as_before_and_the_erased_do_not_come_back(told: dict[str, Any]) -> None:
    assert told["same"] is True
    assert told["differences"] == []
    # they do not come back
    assert told["again"] == [1, 2]
    assert told["rows"] == 0


def test_the_receipt_says_what_was_removed_where_and_what_stays(told: dict[str, Any]) -> None:
    done = told["receipt"]["done"]
    # 40 events of each id, and two messages
    assert done["events"]["removed"]["events"] == done["stock"]["rows"]["events"] == 82
    # every fifth event of twelve others named them
    assert done["events"]["names_taken_out"] == {"events": 12 * 8, "message_texts": 1}
    assert done["letters"] == {"removed": 1}
    assert done["files"] == {"packages": 1}
    assert done["records"]["removed"]["enrolments"] == 1
    assert {"tombstone", "audit lines", "outside"} <= told["receipt"]["stays"].keys()
    # the trail knew who it was, and no longer does
    assert told["trail"] is True
    assert told["forgotten"] is False


@pytest.mark.parametrize("until", ["stock", "events", "records"])
def test_an_erasure_that_was_killed_goes_on(tmp_path: Path, until: str) -> None:
    with started(BEGIN, tmp_path, until) as process:
        assert process.stdout is not None
        request = next(line.split()[1] for line in process.stdout if line.startswith("request "))
        process.kill()
    told = json.loads(run(GO_ON, tmp_path, request)[-1])
    assert (told["state"], told["why"]) == ("done", "")
    # counted before anything was removed, so a crash takes nothing from it
    assert told["receipt"]["done"]["stock"]["rows"]["events"] == 82
    assert told["after"] == {}
    assert told["sealed"] == []
    assert told["differences"] == []


def test_needles_are_found_encoded_wherever_they_begin() -> None:
    wanted = needles(["ada.lovelace"])
    for text in ("YWRhLmxvdmVsYWNl", "eGFkYS5sb3ZlbGFjZXk=", "eHhhZGEubG92ZWxhY2V5"):
        assert any(needle in text.encode() for needle in wanted)
    assert not any(needle in b"YmRhLmxvdmVsYWNl" for needle in wanted)
