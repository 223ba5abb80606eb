"""`rollbook segment`: kept, shown and deleted by hand."""

import json
from pathlib import Path

from tests.cli.terminal import rollbook, serving


def test_a_segment_by_hand(story_file: Path, tmp_path: Path) -> None:
    book = tmp_path / "book"
    mapped = ("--map", "user_id=student", "--map", "event_type=what", "--map", "timestamp=when")
    assert rollbook("import", story_file, *mapped, "--data", book).returncode == 0
    (tmp_path / "all.json").write_text('{"did": {}}', "utf-8")
    with serving(book):
        done = rollbook("segment", "put", "all", f"@{tmp_path / 'all.json'}", "--title", "All", "--data", book)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "Segment all is kept; 3 people are in it now.\n"
        assert "All: 3 people" in rollbook("segment", "show", "all", "--data", book).stdout
        listed = json.loads(rollbook("segment", "list", "--json", "--data", book).stdout)
        assert [one["id"] for one in listed] == ["all"]
        asked = ("ask", "totals", "--days", "3660", "--segment", "all", "--compare", "previous", "--json")
        answer = json.loads(rollbook(*asked, "--data", book).stdout)
        assert (answer["rows"][0]["people"], answer["before"]["rows"][0]["people"]) == (3, 0)
        assert rollbook("segment", "delete", "all", "--data", book).returncode == 0
        wrong = rollbook("segment", "put", "all", "{", "--data", book)
        assert (wrong.returncode, "is not JSON" in wrong.stderr) == (2, True)
