"""A folder with a small story in it, for the commands that only read."""

from pathlib import Path

import pytest

from tests.cli.terminal import rollbook

# three people, of whom two were there in the week up to 3 March; Cyd's row has no type
STORY = """student,what,when,points
cyd,session_start,2026-02-10T09:00:00Z,
ada,session_start,2026-03-02T10:00:00Z,
ada,quiz_completion,2026-03-02T10:20:00Z,80
bob,quiz_completion,2026-03-02T11:00:00Z,60
cyd,,2026-03-02T12:00:00Z,
"""
MAPPING = ("user_id=student", "event_type=what", "timestamp=when", "score=points")
MAPPED = [word for pair in MAPPING for word in ("--map", pair)]


@pytest.fixture
def story_file(tmp_path: Path) -> Path:
    """The story as a file."""
    path = tmp_path / "story.csv"
    path.write_text(STORY)
    return path


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the story in it."""
    place = tmp_path_factory.mktemp("story")
    (place / "story.csv").write_text(STORY)
    done = rollbook("import", place / "story.csv", *MAPPED, "--data", place / "book")
    assert done.returncode == 0, done.stderr
    return place / "book"
