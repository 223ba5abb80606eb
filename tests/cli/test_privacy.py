"""`rollbook privacy` and its routes: a learner, a guardian's reach, a privacy officer, over a real server."""

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.terminal import Serving, rollbook, serving

pytestmark = pytest.mark.slow

REQUIRED = {"ROLLBOOK_AUTH": "required", "JWT_SECRET_KEY": "the operator's own secret, of more than 32 bytes"}
PATH = "/api/v2/privacy/requests"
MOST_SECONDS = 120


def by_hand(data: Path, *words: object, code: int = 0) -> str:
    """`rollbook …` on a folder; what it printed."""
    done = rollbook(*words, "--data", data, here=None, **REQUIRED)
    assert done.returncode == code, done.stderr
    return done.stdout.strip()


def asked(server: Serving, token: str, **body: Any) -> httpx.Response:
    """A request over HTTP."""
    return httpx.post(server.address + PATH, json=body, headers={"authorization": f"Bearer {token}"}, timeout=60)


def ended(server: Serving, token: str, request: str) -> dict[str, Any]:
    """A request when it has ended."""
    end = time.monotonic() + MOST_SECONDS
    while True:
        shown = httpx.get(f"{server.address}{PATH}/{request}", headers={"authorization": f"Bearer {token}"}, timeout=60)
        found: dict[str, Any] = shown.json()
        if found["state"] not in ("received", "running"):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.05)


def test_rights_over_http_and_by_hand(tmp_path: Path) -> None:
    data = tmp_path / "book"
    with serving(data, **REQUIRED) as server:
        by_hand(data, "tenant", "create", "school")
        key = by_hand(data, "key", "create", "--tenant", "school", "--role", "ingest")
        events = [{"event_type": "view", "user_id": user, "metadata": {"page": 7}} for user in ("ada", "bob")]
        taken = httpx.post(f"{server.address}/api/v2/events", json=events, headers={"x-api-key": key})
        assert taken.json()["ingested"] == 2
        ada = by_hand(data, "token", "--tenant", "school", "--user", "ada", "--role", "learner")
        bob = by_hand(data, "token", "--tenant", "school", "--user", "bob", "--role", "learner")
        analyst = by_hand(data, "token", "--tenant", "school", "--user", "ann", "--role", "analyst")

        first = asked(server, ada, kind="access", user_id="ada")
        assert (first.status_code, first.json()["asked_by"]) == (202, "the person")
        request = first.json()["request_id"]
        assert ended(server, ada, request)["state"] == "done"
        mine = {"authorization": f"Bearer {ada}"}
        content = httpx.get(f"{server.address}{PATH}/{request}/package", headers=mine).content
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            assert [json.loads(row["properties"]) for row in json.loads(package.read("events.json"))] == [{"page": 7}]

        # nobody else's, and not without the permission
        assert asked(server, ada, kind="erasure", user_id="bob").status_code == 403
        assert asked(server, analyst, kind="access", user_id="ada").status_code == 403
        theirs = httpx.get(f"{server.address}{PATH}/{request}", headers={"authorization": f"Bearer {bob}"})
        assert theirs.status_code == 404
        assert asked(server, ada, kind="correction", user_id="ada").status_code == 422

        to = tmp_path / "ada.zip"
        by_hand(data, "privacy", "download", request, to, "--tenant", "school")
        assert to.read_bytes() == content

        done = json.loads(
            by_hand(data, "privacy", "request", "erasure", "--user", "ada", "--tenant", "school", "--json")
        )
        assert (done["state"], done["receipt"]["done"]["events"]["removed"]["events"]) == ("done", 1)
        totals = json.loads(by_hand(data, "ask", "totals", "--tenant", "school", "--json"))
        assert totals["rows"][0]["people"] == 1
        listed = json.loads(by_hand(data, "privacy", "list", "--tenant", "school", "--json"))
        assert {row["kind"]: row["state"] for row in listed} == {"access": "done", "erasure": "done"}
        again = httpx.post(f"{server.address}/api/v2/events", json=events, headers={"x-api-key": key}).json()
        assert (again["ingested"], len(again["rejected"])) == (1, 1)
        assert by_hand(data, "privacy", "readmit", "--user", "ada", "--tenant", "school") == "1 ids are taken again"
        by_hand(data, "audit", "verify")


def test_a_hold_refuses_an_erasure(tmp_path: Path) -> None:
    by_hand(tmp_path, "hold", "add", "--user", "ada", "--why", "a complaint", "--tenant", "school")
    words = ("privacy", "request", "erasure", "--user", "ada", "--tenant", "school", "--json")
    refused = json.loads(by_hand(tmp_path, *words, code=1))
    assert refused["state"] == "refused"
    assert "legal hold" in refused["why"]
