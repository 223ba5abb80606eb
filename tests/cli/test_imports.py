"""`rollbook import`: once is once, what was stopped goes on, and slips are explained."""

import json
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from rollbook.cli import app
from tests.cli.conftest import MAPPED
from tests.cli.terminal import rollbook, serving

MANY = 50_000


def test_the_same_file_counts_once(story: Path) -> None:
    done = rollbook("import", story.parent / "story.csv", *MAPPED, "--data", story)
    assert done.returncode == 0
    assert "nothing to do: all 5 rows were imported before" in done.stdout
    totals = json.loads(rollbook("ask", "totals", "--json", "--data", story).stdout)
    assert totals["rows"][0]["events"] == 4


def test_a_stopped_import_goes_on_where_it_was(tmp_path: Path) -> None:
    book, file = tmp_path / "book", tmp_path / "many.jsonl"
    lines = (f'{{"type":"seen","user":"u{n % 100}","timestamp":"2026-03-02T10:00:00Z"}}\n' for n in range(MANY))
    file.write_text("".join(lines))
    with serving(book) as server, httpx.Client(base_url=server.address) as client:
        started = client.post("/api/v2/imports", json={"path": str(file)}).json()
        client.post(f"/api/v2/imports/{started['id']}/stop")
        # wherever that caught it: the second time completes it, and nothing counts twice
        second = rollbook("import", file, "--data", book)
        while second.returncode == 3:
            second = rollbook("import", file, "--data", book)
        assert second.returncode == 0, second.stderr
        totals = client.get("/api/v2/ask/totals").json()["rows"][0]
        assert client.get(f"/api/v2/imports/{started['id']}").json()["state"] in ("failed", "finished")
    assert (totals["events"], totals["people"]) == (MANY, 100)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["nowhere.csv"], "there is no nowhere.csv"),
        (["oulad"], "needs the path"),
        (["moodle", "dump.zip"], "no data set 'moodle'"),
        (["some.csv", "--map", "user_id"], "name=column"),
    ],
)
def test_a_slip_is_explained(words: list[str], hint: str) -> None:
    done = CliRunner().invoke(app, ["import", *words])
    assert done.exit_code == 2
    assert hint in done.stderr


def test_a_file_whose_columns_are_unknown_says_what_to_do(tmp_path: Path, story_file: Path) -> None:
    done = rollbook("import", story_file, "--data", tmp_path / "book")
    assert done.returncode == 2
    assert "event_type" in done.stderr
    assert "Traceback" not in done.stderr
