"""kill -9: no line that was waited for is missing afterwards, and what waited is found again from the events."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import processes
from tests.cli.terminal import rollbook, serving
from tests.governance.trails import REQUIRED, acme

pytestmark = pytest.mark.slow

MOMENT_OF_DEATH = 60

INGEST = """
    import json
    import os
    import sys
    from pathlib import Path
    from rollbook.app import Rollbook
    from rollbook.settings import load

    book = Rollbook(load(data=Path(sys.argv[1])))
    for number in range(int(sys.argv[2])):
        told = [{"event_type": "seen", "tenant_id": tenant} for tenant in ("acme", "acme", "bell")]
        book.intake.take_now(json.dumps(told).encode(), "native")
    print(json.dumps([row["received"].isoformat() for row in book.store.engine.query(
        "select distinct received from events where tenant = 'acme' order by received")]))
    sys.stdout.flush()
    if sys.argv[3] == "die":
        os._exit(0)
    book.close()
"""


def lines(folder: Path, tenant: str, **options: object) -> list[dict[str, Any]]:
    """Lines of a folder, the newest first."""
    given = [word for name, value in options.items() for word in (f"--{name}", value)]
    done = rollbook(
        "audit",
        "list",
        "--tenant",
        tenant,
        "--limit",
        10_000,
        "--json",
        *given,
        "--data",
        folder,
        here=None,
        **REQUIRED,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def verified(folder: Path) -> tuple[int, str]:
    """Exit code and what `audit verify` says."""
    done = rollbook("audit", "verify", "--data", folder, here=None, **REQUIRED)
    return done.returncode, done.stdout + done.stderr


def test_no_read_that_was_answered_is_missing(tmp_path: Path) -> None:
    headers, answered = acme(tmp_path), list[str]()
    with serving(tmp_path, **REQUIRED) as server, httpx.Client(base_url=server.address, headers=headers) as client:

        def look(number: int) -> None:
            try:
                answer = client.get("/api/v2/ask/timeline", params={"user": f"learner-{number}"})
            except httpx.HTTPError:
                return
            if answer.status_code == 200:
                answered.append(f"learner-{number}")
            if len(answered) == MOMENT_OF_DEATH:
                server.process.send_signal(signal.SIGKILL)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(look, range(2 * MOMENT_OF_DEATH)))
        server.process.wait()
    assert len(answered) >= MOMENT_OF_DEATH
    assert set(answered) <= {line["person"] for line in lines(tmp_path, "acme", action="read")}
    code, said = verified(tmp_path)
    assert (code, "as they were written" in said) == (0, True)


def test_ingest_lines_are_found_again(tmp_path: Path) -> None:
    # no line could be missing in a folder where nothing ever came in
    assert processes.run(INGEST, tmp_path, 0, "stop") == ["[]"]
    (before,) = processes.run(INGEST, tmp_path, 3, "stop")
    (stamps,) = processes.run(INGEST, tmp_path, 4, "die")
    for _ in range(2):
        acme, bell = (lines(tmp_path, tenant, action="ingest") for tenant in ("acme", "bell"))
        assert [line["detail"]["events"] for line in acme] == [2] * 7
        assert [line["detail"]["events"] for line in bell] == [1] * 7
        assert [line["received"].replace("Z", "+00:00")[:23] for line in reversed(acme)] == [
            stamp[:23] for stamp in json.loads(stamps)
        ]
        recovered = {line["received"][:23] for line in acme if line["recovered"]}
        assert recovered == {stamp[:23] for stamp in json.loads(stamps)} - {s[:23] for s in json.loads(before)}
    code, said = verified(tmp_path)
    assert code == 0, said


def test_a_line_is_written_by_credential(tmp_path: Path) -> None:
    script = """
        import asyncio
        import json
        import sys
        from pathlib import Path
        from rollbook.app import Rollbook
        from rollbook.ingest.batch import Sender
        from rollbook.settings import load

        async def send(book):
            def take(sender):
                body = json.dumps([{"event_type": "seen"}, {"event_type": "seen"}]).encode()
                return book.intake.take(body, "native", "acme", sender=sender)
            await asyncio.gather(
                take(Sender("acme", credential="key:1a")), take(Sender("acme", credential="key:2b")),
                take(Sender("acme", credential="key:1a")), take(Sender("acme", "ada", credential="token:ada")),
                take(None),
            )

        with Rollbook(load(data=Path(sys.argv[1]))) as book:
            asyncio.run(send(book))
    """
    processes.run(script, tmp_path)
    found: dict[str, int] = {}
    for line in lines(tmp_path, "acme", action="ingest"):
        assert line["actor"] == (line["credential"] or None)
        found[line["credential"]] = found.get(line["credential"], 0) + line["detail"]["events"]
    assert found == {"key:1a": 4, "key:2b": 2, "token": 2, "": 2}
