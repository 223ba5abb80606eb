"""`rollbook dead-letters`: what was refused is seen, counted, and taken in once what was wrong is mended."""

import json
from pathlib import Path

import httpx

from tests.cli.terminal import rollbook, serving


def test_a_refused_event_is_taken_in_once_its_type_is_allowed(tmp_path: Path) -> None:
    book = tmp_path / "book"
    letters = ("dead-letters", "list", "--json", "--data", book)
    events = [{"event_type": "seen", "user_id": "ada"}, {"event_type": "spam", "user_id": "bob", "event_id": "s1"}]
    with serving(book, ROLLBOOK_DENY_TYPES="spam") as server:
        answer = httpx.post(f"{server.address}/api/v2/events", json=events).json()
        assert (answer["ingested"], len(answer["rejected"])) == (1, 1)
        (letter,) = json.loads(rollbook(*letters).stdout)
        refused = rollbook("dead-letters", "replay", "--data", book)
    assert json.loads(letter["body"])["event_id"] == "s1"
    assert letter["index"] == 1
    assert (refused.returncode, letter["id"] in refused.stderr) == (1, True)
    assert refused.stdout == "0 taken in, 0 were there already, 1 failed\n"

    counts = json.loads(rollbook("dead-letters", "count", "--json", "--data", book).stdout)
    assert [(row["reason"], row["letters"]) for row in counts] == [(letter["reason"], 1)]
    taken = rollbook("dead-letters", "replay", "--reason", letter["reason"], "--data", book)
    assert taken.stdout == "1 taken in, 0 were there already, 0 failed\n"
    again = rollbook("dead-letters", "replay", letter["id"], "--data", book)
    assert again.stdout == "0 taken in, 1 were there already, 0 failed\n"
    totals = json.loads(rollbook("ask", "totals", "--json", "--data", book).stdout)
    assert totals["rows"][0]["events"] == 2
    shown = json.loads(rollbook("dead-letters", "show", letter["id"], "--json", "--data", book).stdout)
    assert shown["replayed"] is not None
    assert json.loads(rollbook(*letters, "--open").stdout) == []


def test_an_unknown_letter_is_said_so(story: Path) -> None:
    done = rollbook("dead-letters", "show", "nobody", "--data", story)
    assert done.returncode == 2
    assert "no dead letter 'nobody'" in done.stderr


def test_letters_of_an_import_have_their_row(story: Path) -> None:
    done = rollbook("dead-letters", "list", "--csv", "--data", story)
    header, row = done.stdout.splitlines()
    assert header.startswith("id,received,dialect")
    assert "cyd" in row


def test_ids_and_a_reason_exclude_each_other(story: Path) -> None:
    done = rollbook("dead-letters", "replay", "some", "--reason", "invalid_type", "--data", story)
    assert done.returncode == 2
    assert "not both" in done.stderr
