"""`rollbook demo`: made once, into a folder of its own, and believable."""

import json
from pathlib import Path

from tests.cli.terminal import rollbook

SMALL = ("demo", "--learners", "20", "--days", "30", "--no-serve")


def test_the_demo_is_made_once(tmp_path: Path) -> None:
    first = rollbook(*SMALL, here=tmp_path)
    assert first.returncode == 0, first.stderr
    book = tmp_path / "rollbook-data" / "demo"
    again = rollbook(*SMALL, here=tmp_path)
    assert "already" in again.stdout
    totals = json.loads(rollbook("ask", "totals", "--json", "--data", book).stdout)["rows"][0]
    assert f"{totals['events']:,} events" in first.stdout
    assert totals["people"] == 20
    assert rollbook("verify", "--data", book).returncode == 0


def test_an_interrupted_demo_is_completed_with_the_same_events(tmp_path: Path) -> None:
    first = rollbook(*SMALL, here=tmp_path)
    book = tmp_path / "rollbook-data" / "demo"
    plan = json.loads((book / "demo.json").read_text())
    (book / "demo.json").write_text(json.dumps(plan | {"made": False}))
    assert rollbook(*SMALL, here=tmp_path).returncode == 0
    totals = json.loads(rollbook("ask", "totals", "--json", "--data", book).stdout)["rows"][0]
    assert f"{totals['events']:,} events" in first.stdout


def test_other_data_is_left_alone(story: Path) -> None:
    done = rollbook(*SMALL, "--data", story)
    assert done.returncode == 2
    assert "holds other data" in done.stderr
    totals = json.loads(rollbook("ask", "totals", "--json", "--data", story).stdout)["rows"][0]
    assert totals["people"] == 3
