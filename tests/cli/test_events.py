"""`rollbook events`: definitions by hand."""

import json
from pathlib import Path

import pytest

from tests.cli.terminal import rollbook, serving

pytestmark = pytest.mark.slow


def test_define_look_and_remove(story_file: Path, tmp_path: Path) -> None:
    book, schema = tmp_path / "book", tmp_path / "seen.json"
    schema.write_text('{"type": "object", "properties": {"page": {"type": "string"}}}')
    mapped = ("--map", "user_id=student", "--map", "event_type=what", "--map", "timestamp=when")
    assert rollbook("import", story_file, *mapped, "--data", book).returncode == 0
    with serving(book):
        done = rollbook("events", "define", "a/b seen", schema, "--description", "Looked at", "--data", book)
        assert (done.returncode, done.stdout) == (0, "a/b seen\n"), done.stderr
        listed = rollbook("events", "list", "--csv", "--data", book).stdout.splitlines()
        assert listed[1].startswith("a/b seen,Looked at,")
        shown = json.loads(rollbook("events", "show", "a/b seen", "--data", book).stdout)
        assert shown["schema"] == json.loads(schema.read_text())
        assert rollbook("events", "remove", "a/b seen", "--data", book).returncode == 0
        missing = rollbook("events", "show", "a/b seen", "--data", book)
        assert (missing.returncode, "no definition" in missing.stderr) == (2, True)
        unknown = json.loads(rollbook("events", "unknown", "--days", "31", "--json", "--data", book).stdout)
        assert unknown["properties"] == []


def test_what_is_no_schema(tmp_path: Path) -> None:
    book, schema = tmp_path / "book", tmp_path / "wrong.json"
    for text, message in (("{", "not JSON"), ("[]", "not a JSON object"), ('{"type": "nope"}', "wrong at type")):
        schema.write_text(text)
        done = rollbook("events", "define", "seen", schema, "--data", book)
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr
