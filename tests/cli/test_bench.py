"""`rollbook bench`: a tiny run measures everything and says so; what it makes up is what Rollbook would have kept."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rollbook.analyses.catalogue import QUESTIONS
from rollbook.bench import bodies, load, university
from rollbook.bench.ingest import Rounds, Run
from rollbook.bench.plan import planned
from rollbook.bench.processes import serving_bare
from rollbook.bench.questions import Asks, Term
from rollbook.bench.results import Results, goals
from rollbook.bench.results.report import report
from tests.cli.terminal import environment, rollbook

TINY = ("bench", "--quick", "--events", "20000", "--seconds", "1", "--rounds", "1")
SECTIONS = (
    "What it must show",
    "The machine",
    "Ingest",
    "What access, audit and pseudonyms cost",
    "From acknowledged to visible",
    "Live",
    "Questions",
    "Document 1 and the page",
    "Import",
    "Memory",
    "On disk",
    "Start",
)


@pytest.mark.slow
def test_a_tiny_run_measures_everything_and_leaves_nothing_behind(tmp_path: Path) -> None:
    within, out = tmp_path / "within", tmp_path / "RESULTS.md"
    within.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "rollbook", *TINY, "--within", str(within), "--out", str(out)],
        env=environment(), capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    text = out.read_text()
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == list(SECTIONS)
    assert "Not measured" not in text
    assert "HTTP " not in text.replace("Over HTTP", "")
    assert all(f"| {question.name()} " in text for question in QUESTIONS)
    for sure in ("acknowledged events that are missing", "acknowledged events that the next question did not find"):
        assert f"| {sure} | 0 | 0 | yes |" in text
    assert list(within.iterdir()) == []


def test_it_says_what_there_is_to_measure(tmp_path: Path) -> None:
    done = rollbook("bench", "--part", "everything", here=tmp_path)

    assert done.returncode == 2
    assert "ingest, visible, live, questions, import" in done.stderr


def test_made_up_events_are_as_the_way_in_would_leave_them(tmp_path: Path) -> None:
    fill = [sys.executable, "-m", "rollbook.bench.filling", str(tmp_path / "book"), "3000", "30", "50"]
    told = json.loads(subprocess.run(fill, env=environment(), capture_output=True, check=True).stdout)

    rows = {table["table"]: table["rows"] for table in told["tables"]}
    assert (rows["events"], rows["event_keys"], rows["people"]) == (3000, 3000, 50)
    verified = rollbook("verify", "--data", tmp_path / "book")
    assert verified.returncode == 0, verified.stderr
    asked = rollbook("ask", "totals", "--json", "--data", tmp_path / "book")
    total = json.loads(asked.stdout)["rows"][0]
    assert (total["events"], total["people"]) == (3000, 50)


def test_threads_send_where_there_is_no_wrk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    told = bodies.write(tmp_path / "bodies", 10)

    with serving_bare(tmp_path / "bare") as server:
        sent = load.send(server, told, batch=10, connections=2, seconds=1, first=0)

    assert load.generator() == "Python threads"
    assert (sent.refused, sent.broken) == (0, 0)
    assert sent.events == 10 * sent.requests > 0


def test_a_made_up_university_is_imported_whole(tmp_path: Path) -> None:
    place = university.make(tmp_path / "university", 4000)

    done = rollbook("import", "oulad", place, "--data", tmp_path / "book")

    assert done.returncode == 0, done.stderr
    # 40 learners: 40 enrolments and rows about them, 8 results each; 4,000 clicks
    words = ("--param", "days=3660", "--param", "as_of=2016-01-01", "--json", "--data", tmp_path / "book")
    told = json.loads(rollbook("ask", "event_distribution", *words).stdout)
    counted = {row["type"]: row["events"] for row in told["rows"]}
    assert (counted["content_view"], counted["quiz_completion"], counted["enrolment"]) == (4000, 320, 40)


def test_goals_are_reached_missed_or_not_measured() -> None:
    results = Results(planned(quick=True), [], "wrk", "0")
    assert {one.reached for one in goals.goals(results)} == {None}

    results.rounds = [rounds(1000, bare=100_000, own=70_000), rounds(1, bare=2_000, own=1_000)]
    asks = [Asks("dashboard data", "", seconds=[0.2]), Asks("metrics of one learner", "", seconds=[0.01, 0.02, 0.5])]
    results.terms = [Term(30_000_000, {"tables": []}, documented=asks)]
    reached = {one.what: one.reached for one in goals.goals(results)}

    assert reached["batches of 1,000: rate over the bare loop's"] is True
    assert reached["single events: rate over the bare loop's"] is False
    assert reached["30 million events: dashboard data, p50"] is False
    assert reached["30 million events: metrics of one learner, p50"] is True
    assert reached["30 million events: retention of everybody, p50"] is None
    assert "| single events: rate over the bare loop's | at least 0.60 | 0.50 | **no** |" in report(results)


def test_a_question_may_grow_as_much_as_the_events_and_no_more() -> None:
    results = Results(planned(quick=True), [], "wrk", "0")
    few = [Asks("totals", "", seconds=[0.01]), Asks("paths", "", seconds=[0.1])]
    many = [Asks("totals", "", seconds=[0.29], again=[0.001]), Asks("paths", "", seconds=[3.1], again=[0.6])]
    results.terms = [Term(1_000_000, {"tables": []}, few), Term(30_000_000, {"tables": []}, many)]
    measured = {one.what: one.measured for one in goals.goals(results)}

    assert measured["from 1 to 30 million events: questions whose p50 grew more than the events did"] == "1 of 2"
    asked_again = "everything, asked once more while nothing changed"
    assert measured[f"30 million events: {asked_again}: p50 of 500 ms and more"] == "1 of 2"


def rounds(batch: int, *, bare: int, own: int) -> Rounds:
    """One round at these rates."""
    return Rounds(batch, {"bare": [a_run(bare)], "rollbook": [a_run(own)]})


def a_run(rate: int) -> Run:
    """A run of ten seconds."""
    sent = load.Load(
        requests=rate, events=rate * 10, seconds=10, refused=0, broken=0, p50_ms=10, p99_ms=100, max_ms=150
    )
    return Run(sent, cpu_seconds=1, others=None)
