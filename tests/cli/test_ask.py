"""`rollbook ask`: parameters in every spelling, answers in every form, errors that help."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rollbook.analyses.catalogue import BY_NAME
from rollbook.cli import app
from rollbook.cli.ask import given
from rollbook.errors import Invalid
from tests.cli.terminal import rollbook

AS_OF = ("--as-of", "2026-03-03T00:00:00Z")

said = CliRunner()


def test_the_answer_as_json_is_what_http_answers(story: Path) -> None:
    done = rollbook("ask", "retention", "--param", "period=7", *AS_OF, "--data", story, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["question"] == "retention"
    assert answer["parameters"]["period"] == 7
    # Ada and Bob of the three
    assert answer["rows"] == [{"period_days": 7, "retention_rate": 2 / 3, "cohort_size": 3, "active_users": 2}]


def test_the_answer_as_csv_has_a_header_and_the_rows(story: Path) -> None:
    done = rollbook("ask", "retention", "--period", "7", *AS_OF, "--users", "ada,cyd", "--csv", "--data", story)
    assert list(csv.DictReader(io.StringIO(done.stdout))) == [
        {"period_days": "7", "retention_rate": "0.5", "cohort_size": "2", "active_users": "1"}
    ]


def test_the_answer_as_a_table_says_for_when_it_holds(story: Path) -> None:
    done = rollbook("ask", "event-distribution", "--days=7", *AS_OF, ROLLBOOK_DATA=str(story))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any("quiz_completion" in line and " 2 " in line for line in lines)
    assert any("session_start" in line and " 1 " in line for line in lines)
    assert "days 7" in lines[-1]
    assert "2026-03-03T00:00:00" in lines[-1]


def test_an_unknown_tenant_has_no_events(story: Path) -> None:
    done = rollbook("ask", "totals", "--tenant", "other", "--json", "--data", story)
    assert json.loads(done.stdout)["rows"][0]["events"] == 0


def test_without_a_name_all_questions_are_listed() -> None:
    done = said.invoke(app, ["ask", "--json"])
    assert [row["question"] for row in json.loads(done.stdout)] == list(BY_NAME)


@pytest.mark.parametrize(
    ("words", "hints"),
    [
        (["retentoin"], ["no question 'retentoin'", "did you mean retention?"]),
        (["retention", "--peroid", "7"], ["no parameter 'peroid'", "did you mean period?"]),
        (["retention", "--param", "period"], ["--param period", "key=value"]),
        (["retention", "period=7"], ["'period=7' is not understood", "--param"]),
        (["retention", "--json", "--csv"], ["--json and --csv"]),
    ],
)
def test_a_slip_is_explained_without_a_traceback(words: list[str], hints: list[str]) -> None:
    done = said.invoke(app, ["ask", *words])
    assert (done.exit_code, done.stdout) == (2, "")
    assert [hint for hint in hints if hint not in done.stderr] == []
    assert "Traceback" not in done.stderr


def test_a_wrong_value_is_named_as_the_api_names_it(story: Path) -> None:
    done = rollbook("ask", "retention", "--period", "soon", "--data", story)
    assert (done.returncode, done.stdout) == (2, "")
    assert "period" in done.stderr
    assert "'soon'" in done.stderr
    assert "Traceback" not in done.stderr


def test_parameters_come_from_pairs_and_free_options() -> None:
    assert given(["days=30", "users=a", "users=b=c"], ["--as-of", "2026-01-01", "--exact", "--zone=UTC"]) == {
        "days": "30",
        "users": ["a", "b=c"],
        "as_of": "2026-01-01",
        "exact": "true",
        "zone": "UTC",
    }
    with pytest.raises(Invalid):
        given(["=3"], [])
