"""The dataset's way in: what becomes of each row; and imports that are stopped, torn or repeated."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.errors import Invalid, Unavailable
from rollbook.ingest.intake import Intake
from rollbook.ingest.oulad import import_oulad
from rollbook.ingest.oulad.clicks import Occurrences
from rollbook.ingest.oulad.presentations import starts
from rollbook.store import Store
from tests.ingest import university


@pytest.fixture
def intake(store: Store) -> Iterator[Intake]:
    """A way in to the shared store."""
    with closing(Intake(store)) as opened:
        yield opened


def found(store: Store, tenant: str, kind: str = "") -> list[dict[str, Any]]:
    """A tenant's events, in the order of their ids."""
    sql = "select * from events where tenant = {tenant:String} and startsWith(type, {kind:String}) order by id"
    return store.engine.query(sql, {"tenant": tenant, "kind": kind})


def counted(store: Store, tenant: str) -> dict[str, int]:
    """How many events of each type a tenant has."""
    return Counter(event["type"] for event in found(store, tenant))


def test_every_row_becomes_what_the_mapping_says(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    copy = university.folder(tmp_path / "copy")
    summary = import_oulad(store, intake, copy, tenant=tenant)
    assert counted(store, tenant) == university.EVENTS
    assert (summary.rows, summary.events, summary.duplicates, summary.undated) == (university.ROWS, 13, 0, 1)
    assert {event["dialect"] for event in found(store, tenant)} == {"import:oulad"}
    assert {event["source"] for event in found(store, tenant)} == {"oulad"}
    assert not store.rollups.hot(tenant)
    assert store.rollups.differences(tenant) == []
    late = store.engine.query(
        "select count() as n from ingest_counters where tenant = {t:String} and outcome = 'late'", {"t": tenant}
    )
    assert late == [{"n": 0}]


def test_rows_of_one_natural_key_are_numbered(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    import_oulad(store, intake, university.folder(tmp_path / "copy"), tenant=tenant)
    views = {event["id"]: event for event in found(store, tenant, "content_view")}
    assert sorted(views) == [
        "oulad:click:AAA_2013J:11:547:-10:1",
        "oulad:click:AAA_2013J:28:546:-10:1",
        "oulad:click:AAA_2013J:28:546:-10:2",
        "oulad:click:AAA_2013J:28:546:-10:3",
        "oulad:click:AAA_2013J:28:546:12:1",
        "oulad:click:AAA_2014B:11:999:0:1",
    ]
    clicks = [json.loads(views[f"oulad:click:AAA_2013J:28:546:-10:{n}"]["properties"]) for n in (1, 2, 3)]
    assert clicks == [{"clicks": n, "activity_type": "resource"} for n in (4, 1, 1)]
    unknown_site = views["oulad:click:AAA_2014B:11:999:0:1"]
    assert json.loads(unknown_site["properties"]) == {"clicks": 5}
    assert (unknown_site["user"], unknown_site["course"], unknown_site["content"]) == ("11", "AAA_2014B", "999")


def test_days_count_from_the_start_of_the_presentation(
    store: Store, intake: Intake, tenant: str, tmp_path: Path
) -> None:
    import_oulad(store, intake, university.folder(tmp_path / "copy"), tenant=tenant)
    times = {event["id"].removeprefix("oulad:"): event["timestamp"] for event in found(store, tenant)}
    noon = datetime(2013, 1, 1, 12, tzinfo=UTC)
    # J: 1 October 2013; B: 1 February 2014
    assert times["click:AAA_2013J:11:547:-10:1"] == noon.replace(month=9, day=21, second=1)
    assert times["click:AAA_2014B:11:999:0:1"] == noon.replace(year=2014, month=2, day=1, second=1)
    assert times["enrolment:AAA_2013J:11"] == noon.replace(month=4, day=25)
    assert times["result:1752:11:1"] == noon.replace(month=10, day=19, second=2)
    assert times["completion:AAA_2013J:11"] == noon.replace(year=2014, month=6, day=26, second=3)
    assert times["completion:AAA_2014B:11"] == noon.replace(year=2014, month=9, day=29, second=3)
    assert times["withdrawal:AAA_2013J:28"] == noon.replace(month=10, day=13, second=4)


def test_results_keep_their_scores(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    import_oulad(store, intake, university.folder(tmp_path / "copy"), tenant=tenant)
    first, second = found(store, tenant, "quiz_completion")
    assert (first["user"], first["score"], first["course"], first["content"], first["concept"]) == (
        "11", 78.0, "AAA_2013J", "1752", "1752",
    )  # fmt: skip
    assert json.loads(first["properties"]) == {"assessment_type": "TMA", "weight": 10.0, "banked": False}
    assert (second["user"], second["score"], json.loads(second["properties"])["banked"]) == ("28", None, True)
    done = {event["course"]: json.loads(event["properties"]) for event in found(store, tenant, "course_complete")}
    assert done == {"AAA_2013J": {"result": "Pass"}, "AAA_2014B": {"result": "Distinction"}}


def test_courses_learners_enrolments_and_assessments_are_kept(
    store: Store, intake: Intake, tenant: str, tmp_path: Path
) -> None:
    import_oulad(store, intake, university.folder(tmp_path / "copy"), tenant=tenant)
    records = store.records
    assert [(c["id"], c["starts"], c["days"]) for c in records.courses(tenant)] == [
        ("AAA_2013J", date(2013, 10, 1), 268),
        ("AAA_2014B", date(2014, 2, 1), 240),
    ]
    assert [(a["id"], a["kind"], a["day"], a["weight"]) for a in records.assessments(tenant)] == [
        ("1752", "TMA", 19, 10.0),
        ("1753", "Exam", None, 100.0),
    ]
    # described as at the latest presentation, where the deprivation band is missing
    learner = records.learner(tenant, "11")
    assert learner is not None
    assert learner["traits"] == {
        "gender": "F",
        "region": "Wales",
        "highest_education": "HE Qualification",
        "age_band": "35-55",
        "disability": "N",
    }
    enrolments = {(e["learner"], e["course"]): e for e in records.enrolments(tenant)}
    assert len(enrolments) == 3
    withdrawn = enrolments["28", "AAA_2013J"]
    assert (withdrawn["registered"], withdrawn["unregistered"]) == (date(2013, 8, 9), date(2013, 10, 13))
    assert withdrawn["result"] == "Withdrawn"
    earlier = enrolments["11", "AAA_2013J"]["traits"]
    assert (earlier["region"], earlier["imd_band"], earlier["previous_attempts"]) == ("Scotland", "20-30%", 0)
    assert enrolments["11", "AAA_2014B"]["registered"] is None
    places = {(m["user"], m["course"]): m for m in records.people.memberships(tenant)}
    assert places.keys() == enrolments.keys()
    left = places["28", "AAA_2013J"]
    assert (left["role"], left["ends"]) == ("learner", withdrawn["unregistered"])


def test_a_second_import_does_nothing_and_says_so(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    copy = university.folder(tmp_path / "copy")
    import_oulad(store, intake, copy, tenant=tenant)
    again = import_oulad(store, intake, university.packed(copy, tmp_path / "copy.zip"), tenant=tenant)
    assert (again.repeated, again.events) == (True, 0)
    assert again.text() == "nothing to do: all 20 rows were imported before"
    assert counted(store, tenant) == university.EVENTS


def test_a_zip_and_a_folder_give_the_same_events(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    copy = university.folder(tmp_path / "copy")
    archive = university.packed(copy, tmp_path / "copy.zip", inside="anonymised/")
    import_oulad(store, intake, copy, tenant=tenant)
    import_oulad(store, intake, archive, tenant=f"{tenant}-zip")
    kept = ("id", "type", "user", "timestamp", "course", "content", "concept", "score", "properties")
    unpacked, zipped = (
        [tuple(event[name] for name in kept) for event in found(store, whose)] for whose in (tenant, f"{tenant}-zip")
    )
    assert unpacked == zipped


def test_a_copy_that_holds_more_adds_only_the_rest(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    import_oulad(store, intake, university.folder(tmp_path / "copy"), tenant=tenant)
    more = university.FILES["studentVle.csv"].rstrip() + '\n"AAA","2013J","28","546","-10","9"\n'
    summary = import_oulad(store, intake, university.folder(tmp_path / "more", studentVle=more), tenant=tenant)
    assert (summary.events, summary.duplicates) == (1, 13)
    assert counted(store, tenant) == university.EVENTS | {"content_view": 7}


def test_stopped_by_hand_it_goes_on_where_it_was(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    copy = university.folder(tmp_path / "copy")

    def stop(done: int, total: int, label: str) -> None:
        if label == "studentAssessment.csv":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_oulad(store, intake, copy, tenant=tenant, progress=stop)
    assert counted(store, tenant) == {"enrolment": 2, "withdrawal": 1, "quiz_completion": 2}
    summary = import_oulad(store, intake, copy, tenant=tenant)
    assert (summary.chunks, summary.chunks_before, summary.events) == (4, 2, 8)
    assert counted(store, tenant) == university.EVENTS


def test_a_chunk_that_fails_is_named(store: Store, tenant: str, tmp_path: Path) -> None:
    copy = university.folder(tmp_path / "copy")
    closed = Intake(store)
    closed.close()
    with pytest.raises(Unavailable, match=r"chunk studentRegistration 0-3 .*stopping.*goes on from here"):
        import_oulad(store, closed, copy, tenant=tenant)
    with closing(Intake(store)) as intake:
        assert import_oulad(store, intake, copy, tenant=tenant).events == 13


def test_progress_ends_at_the_number_of_rows(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    copy = university.folder(tmp_path / "copy")
    import_oulad(store, intake, copy, tenant=tenant, progress=lambda *step: told.append(step))
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert all(done <= total for done, total, _ in told)
    assert told[-1] == (university.ROWS, university.ROWS, "studentVle.csv")


NO_STUDENT = '"code_module","code_presentation","id_site","date","sum_click"'


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"vle": None}, r"lacks vle\.csv"),
        ({"studentVle": NO_STUDENT}, r"studentVle\.csv lacks the column id_student"),
        ({"studentVle": university.clicks([("2013X", 1, 1, 0, 1)])}, "'2013X' is no presentation"),
        ({"studentVle": university.clicks([("2013J", -1, 1, 0, 1)])}, r"studentVle\.csv: id_student"),
        (
            {"studentVle": university.FILES["studentVle.csv"].replace('"12"', '"x"')},
            r"studentVle\.csv cannot be read: .*'x'",
        ),
        (
            {"studentVle": university.FILES["studentVle.csv"].replace('"12"', '""')},
            r"studentVle\.csv: date is empty in row 6",
        ),
        (
            {"studentAssessment": university.FILES["studentAssessment.csv"].replace("1752", "99")},
            r"assessment 99, which assessments\.csv lacks",
        ),
    ],
)
def test_what_is_wrong_with_a_copy_is_named(
    store: Store, intake: Intake, tenant: str, tmp_path: Path, changed: dict[str, str | None], says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        import_oulad(store, intake, university.folder(tmp_path / "copy", **changed), tenant=tenant)


def test_what_is_no_copy_at_all_is_refused(store: Store, intake: Intake, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a zip")
    with pytest.raises(Invalid, match="neither a folder nor a zip"):
        import_oulad(store, intake, text)
    with pytest.raises(Invalid, match="is not there"):
        import_oulad(store, intake, tmp_path / "nothing")


def test_presentations_start_in_february_and_october() -> None:
    assert starts("2013J") == date(2013, 10, 1)
    assert starts("2014B") == date(2014, 2, 1)


@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 2)), max_size=60), st.integers(1, 20))
def test_numbers_do_not_depend_on_where_a_chunk_begins(rows: list[tuple[int, int]], chunk: int) -> None:
    occurrences, seen, numbers, expected = Occurrences(), Counter[tuple[int, int]](), [], []
    for row in rows:
        seen[row] += 1
        expected.append(seen[row])
    for start in range(0, len(rows), chunk):
        groups, keys = np.array(rows[start : start + chunk], dtype=np.int64).T
        numbers += occurrences.number(groups, keys).tolist()
    assert numbers == expected


BORDER = 200_000
MANY = 450_000

KILLED = """
    import os, signal, sys
    from pathlib import Path
    from rollbook.ingest.intake import Intake
    from rollbook.ingest.oulad import import_oulad
    from rollbook.settings import load
    from rollbook.store import Store

    copy, data, torn = sys.argv[1:]
    with Store(load(data=data)) as store:
        intake, finish = Intake(store), store.records.finish_chunk

        def die(source, chunk, rows):
            # everything of the chunk is committed, and nobody knows
            os.kill(os.getpid(), signal.SIGKILL) if chunk == torn else finish(source, chunk, rows)

        store.records.finish_chunk = die
        import_oulad(store, intake, Path(copy))
"""

# the ids have left the window: they came in 60 days ago, and their keys are gone
AGED = """
    import sys
    from rollbook.settings import load
    from rollbook.store import Store

    with Store(load(data=sys.argv[1])) as store:
        store.engine.command("truncate table event_keys")
        age = "alter table events update received = received - interval 60 day where true"
        store.engine.command(age, settings={"mutations_sync": 1})
"""

RESUMED = """
    import json, sys
    from pathlib import Path
    from rollbook.ingest.intake import Intake
    from rollbook.ingest.oulad import import_oulad
    from rollbook.settings import load
    from rollbook.store import Store

    copy, data = sys.argv[1:]
    with Store(load(data=data)) as store:
        intake = Intake(store)
        summary = import_oulad(store, intake, Path(copy))
        sql = "select count() as events, uniqExact(id) as ids, sum(JSONExtractInt(properties, 'clicks')) as clicks"
        found = store.engine.query(sql + " from events where type = 'content_view'")[0]
        same = "select count() as n from events where id like 'oulad:click:AAA_2013J:7:546:120:%'"
        found["repeated"] = store.engine.query(same)[0]["n"]
        found["duplicates"], found["before"] = summary.duplicates, summary.chunks_before
        found["differences"] = store.rollups.differences()
        intake.close()
    print(json.dumps(found))
"""


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a script with a Python of its own."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False)


@pytest.mark.slow
@pytest.mark.parametrize("aged", [False, True], ids=["within the window", "beyond the window"])
def test_killed_in_the_middle_it_is_completed_and_doubles_nothing(tmp_path: Path, aged: bool) -> None:
    # ten rows of one natural key on either side of the border between the first two chunks
    rows = [("2013J", 7, 546, 120, 1) if abs(i - BORDER + 0.5) < 10 else _click(i) for i in range(MANY)]
    copy, data = university.folder(tmp_path / "copy", studentVle=university.clicks(rows)), tmp_path / "data"
    killed = run(KILLED, copy, data, f"clicks {BORDER}-{2 * BORDER}")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if aged:
        assert run(AGED, data).returncode == 0
    resumed = run(RESUMED, copy, data)
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout) == {
        "events": MANY,
        "ids": MANY,
        "clicks": sum(row[-1] for row in rows),
        "repeated": 20,
        # the torn chunk was there; three small files and the first chunk were finished
        "duplicates": BORDER,
        "before": 4,
        "differences": [],
    }


def _click(number: int) -> tuple[str, int, int, int, int]:
    """Any row; neighbours differ in the student, and the days go by."""
    return "2013J", 1_000 + number % 5_000, 546 + number % 2, number * 240 // MANY, 1 + number % 3
