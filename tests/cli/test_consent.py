"""`rollbook consent`: decisions by hand."""

import json
from pathlib import Path

import pytest

from tests.cli.terminal import rollbook, serving

pytestmark = pytest.mark.slow

ASK = ("ask", "totals", "--as-of", "2026-03-03T00:00:00Z", "--json")


def people(data: Path) -> int:
    """How many people a question finds."""
    done = rollbook(*ASK, "--data", data)
    assert done.returncode == 0, done.stderr
    found: int = json.loads(done.stdout)["rows"][0]["people"]
    return found


def test_an_opt_out_by_hand(story_file: Path, tmp_path: Path) -> None:
    book = tmp_path / "book"
    mapped = ("--map", "user_id=student", "--map", "event_type=what", "--map", "timestamp=when")
    assert rollbook("import", story_file, *mapped, "--data", book).returncode == 0
    with serving(book):
        assert people(book) == 3
        done = rollbook("consent", "set", "ada", "analytics", "--withdrawn", "--evidence", "a form", "--data", book)
        assert done.returncode == 0, done.stderr
        assert people(book) == 2
    shown = rollbook("consent", "show", "ada", "--history", "--csv", "--data", book)
    assert shown.stdout.splitlines()[1].endswith("analytics,False,person,decision,open,a form,")
    current = json.loads(rollbook("consent", "show", "ada", "--json", "--data", book).stdout)["current"]
    assert [one["allowed"] for one in current] == [False] * 4


def test_what_is_no_decision(tmp_path: Path) -> None:
    wrong = rollbook("consent", "set", "ada", "marketing", "--given", "--data", tmp_path / "book")
    assert (wrong.returncode, "purpose" in wrong.stderr) == (2, True)
    quoted = rollbook("consent", "set", "kid", "text", "--given", "--guardian", "--data", tmp_path / "book")
    assert (quoted.returncode, "evidence" in quoted.stderr) == (2, True)
