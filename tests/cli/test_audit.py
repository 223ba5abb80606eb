"""`rollbook audit`: what happened is listed, and what was changed since is found."""

import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests import processes
from tests.cli import terminal
from tests.cli.terminal import serving
from tests.governance.trails import REQUIRED, acme

CHANGE = """
    import sys
    from pathlib import Path
    from rollbook.settings import load
    from rollbook.store import Store

    with Store(load(data=Path(sys.argv[1]))) as store:
        store.engine.command(sys.argv[2], settings={"mutations_sync": 2})
"""


def rollbook(*words: object) -> subprocess.CompletedProcess[str]:
    """`rollbook …` with access as it is by default."""
    return terminal.rollbook(*words, here=None, **REQUIRED)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which somebody looked at learners of acme; beside it the heads that were kept."""
    place = tmp_path_factory.mktemp("audit")
    folder = place / "book"
    headers = acme(folder) | {"x-purpose": "tutoring"}
    with serving(folder, ROLLBOOK_AUDIT_HEADS=str(place / "heads.jsonl"), **REQUIRED) as server:
        for user in ("ada", "bob", "ada"):
            answer = httpx.get(f"{server.address}/api/v2/ask/timeline", params={"user": user}, headers=headers)
            assert answer.status_code == 200, answer.text
        assert (
            httpx.get(f"{server.address}/api/v2/audit", params={"tenant_id": "bell"}, headers=headers).status_code
            == 403
        )
        assert rollbook("audit", "verify", "--data", folder).returncode == 0
        assert server.stop() == 0
    return folder


@pytest.fixture
def book(original: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    shutil.copytree(original.parent, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy" / "book"


def test_what_happened_is_listed(book: Path) -> None:
    done = rollbook("audit", "list", "--tenant", "acme", "--person", "ada", "--json", "--data", book)
    lines = json.loads(done.stdout)
    assert [(line["person"], line["action"], line["why"]) for line in lines] == [("ada", "read", "tutoring")] * 2
    assert (
        rollbook("audit", "list", "--tenant", "acme", "--person", "cyd", "--csv", "--data", book).stdout.count("\n")
        == 1
    )
    table = rollbook("audit", "list", "--tenant", "acme", "--action", "read", "--data", book).stdout
    assert "GET /api/v2/ask/timeline" in table


def test_disclosures_and_counts(book: Path) -> None:
    done = rollbook("audit", "disclosures", "bob", "--tenant", "acme", "--json", "--data", book)
    # the question who saw it shows it to somebody, too
    asked, line = json.loads(done.stdout)
    assert (asked["what"], asked["actor"]) == ("GET /api/v2/audit/disclosures/{user_id}", "local")
    assert (line["what"], line["person"], line["why"], line["named"]) == (
        "GET /api/v2/ask/timeline",
        "bob",
        "tutoring",
        True,
    )
    assert line["actor"].startswith("key:")
    summary = json.loads(rollbook("audit", "summary", "--tenant", "acme", "--json", "--data", book).stdout)
    assert (
        sum(row["lines"] for row in summary["counts"] if (row["actor"], row["action"]) == (line["actor"], "read")) == 3
    )
    assert [(row["actor"], row["lines"]) for row in summary["refused"]] == [(line["actor"], 1)]


def test_a_whole_trail_is_verified(book: Path) -> None:
    kept = book.parent / "heads.jsonl"
    for words in (("--tenant", "acme"), ("--heads", kept)):
        done = rollbook("audit", "verify", *words, "--data", book)
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("are as they were written.\n")
    heads = json.loads(rollbook("audit", "heads", "--tenant", "acme", "--json", "--data", book).stdout)
    old = [json.loads(line) for line in kept.read_text().splitlines()]
    assert {head["tenant"] for head in heads["heads"]} == {"acme"}
    assert {head["key"] for head in old} == {heads["key"]}
    assert max(head["number"] for head in old if head["tenant"] == "acme") < heads["heads"][0]["number"]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("alter table audit delete where tenant = 'acme' and number = 2", "line 2: line 2 is missing"),
        ("alter table audit update why = 'none' where tenant = 'acme' and number = 3", "line 3: the line was altered"),
        ("alter table audit delete where tenant = 'acme' and number = 5", "line 5: line 5 is missing: a signed head"),
    ],
)
def test_a_changed_trail_is_found(book: Path, sql: str, said: str) -> None:
    processes.run(CHANGE, book, sql)
    for _ in range(2):
        done = rollbook("audit", "verify", "--data", book)
        assert done.returncode == 1
        assert done.stderr.startswith("tenant acme, chain ")
        assert said in done.stderr
    with serving(book, **REQUIRED):
        # new lines do not cover it
        assert rollbook("audit", "list", "--tenant", "acme", "--data", book).returncode == 0
        done = rollbook("audit", "verify", "--tenant", "acme", "--json", "--data", book)
        assert (done.returncode, json.loads(done.stdout)["bad"]["tenant"]) == (1, "acme")


def test_a_trail_cut_off_with_its_heads_is_found_by_kept_ones(book: Path) -> None:
    processes.run(CHANGE, book, "alter table audit delete where tenant = 'acme'")
    script = """
        import sqlite3
        import sys
        with sqlite3.connect(sys.argv[1]) as records:
            records.execute("delete from audit_heads where tenant = 'acme'")
    """
    processes.run(script, book / "records.db")
    # which writes line 1 of a new beginning
    assert rollbook("audit", "verify", "--tenant", "acme", "--data", book).returncode == 0
    done = rollbook("audit", "verify", "--heads", book.parent / "heads.jsonl", "--data", book)
    assert done.returncode == 1
    assert "line 2: lines 2 to 5 are missing: a signed head names line 5" in done.stderr


def test_what_is_no_file_of_heads_is_said_so(book: Path, tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_text('{"tenant": "acme"}\n')
    done = rollbook("audit", "verify", "--heads", tmp_path / "other.jsonl", "--data", book)
    assert done.returncode == 2
    assert "line 1: not a signed head" in done.stderr
