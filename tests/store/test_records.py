"""Records: the same over SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from rollbook.errors import Conflict, Invalid, NotFound
from rollbook.settings import Settings
from rollbook.store.records import Records


@pytest.fixture
def records(database: Settings) -> Iterator[Records]:
    """Empty records."""
    opened = Records(database)
    yield opened
    opened.close()


def course(name: str = "AAA-2013J", **more: Any) -> dict[str, Any]:
    """One course."""
    return {
        "tenant": "open", "id": name, "module": "AAA", "presentation": "2013J", "starts": date(2013, 10, 1),
        "days": 268,
    } | more  # fmt: skip


def learner(name: str, **traits: Any) -> dict[str, Any]:
    """One learner."""
    return {"tenant": "open", "id": name, "traits": traits}


def enrolment(who: str, where: str = "AAA-2013J", **more: Any) -> dict[str, Any]:
    """One enrolment."""
    return {
        "tenant": "open", "learner": who, "course": where, "registered": date(2013, 6, 1), "unregistered": None,
        "result": "Pass", "traits": {"attempts": 0},
    } | more  # fmt: skip


def test_a_tenant_is_made_by_its_first_record(records: Records) -> None:
    assert records.tenant("open") is None
    before = datetime.now(UTC)
    records.put_courses([course()])
    made = records.tenant("open")
    assert made is not None
    assert (made["name"], made["timezone"]) == ("", None)
    assert before <= made["created"] <= datetime.now(UTC)
    records.put_tenant("open", "The Open University")
    assert [(row["id"], row["name"]) for row in records.tenants()] == [("open", "The Open University")]


def test_what_is_put_again_is_replaced(records: Records) -> None:
    records.put_courses([course(), course("BBB-2014B", starts=None, days=None)])
    records.put_courses([course(days=300)])
    assert records.courses("open") == [course(days=300), course("BBB-2014B", starts=None, days=None)]
    assert records.courses("another") == []


def test_learners_and_enrolments(records: Records) -> None:
    records.put_courses([course(), course("BBB-2014B")])
    records.put_learners([learner("11391", gender="M", ages=["55<=", "é☺"]), learner("28400")])
    records.put_enrolments([enrolment("11391"), enrolment("28400"), enrolment("28400", "BBB-2014B", result=None)])
    assert records.learner("open", "11391") == {"told": None} | learner("11391", gender="M", ages=["55<=", "é☺"])
    assert records.learner("open", "nobody") is None
    assert [row["course"] for row in records.enrolments("open", learner="28400")] == ["AAA-2013J", "BBB-2014B"]
    assert [row["learner"] for row in records.enrolments("open", course="AAA-2013J")] == ["11391", "28400"]
    left = enrolment("28400", unregistered=date(2013, 10, 13), result="Withdrawn")
    records.put_enrolments([left])
    assert records.enrolments("open", learner="28400", course="AAA-2013J") == [left]


def test_assessments_of_a_course(records: Records) -> None:
    records.put_courses([course(), course("BBB-2014B")])
    tutor = {"tenant": "open", "id": "1752", "course": "AAA-2013J", "kind": "TMA", "day": 19, "weight": 10.0}
    exam = tutor | {"id": "1757", "kind": "Exam", "day": None, "weight": 100.0}
    other = tutor | {"id": "14984", "course": "BBB-2014B", "weight": 0.5}
    records.put_assessments([tutor, exam, other])
    assert records.assessments("open", course="AAA-2013J") == [tutor, exam]
    assert len(records.assessments("open")) == 3


def test_an_enrolment_needs_its_learner_and_its_course(records: Records) -> None:
    records.put_learners([learner("11391")])
    with pytest.raises(Invalid, match="does not fit"):
        records.put_enrolments([enrolment("11391")])
    assert records.enrolments("open") == []


def test_thousands_of_rows_are_kept_or_none_of_them(records: Records) -> None:
    records.put_learners(learner(f"{n:05}") for n in range(12_001))
    assert len(records.learners("open")) == 12_001

    def torn() -> Iterator[dict[str, Any]]:
        yield from (learner(f"new-{n}") for n in range(6_000))
        raise RuntimeError("the file ends here")

    with pytest.raises(RuntimeError, match="ends here"):
        records.put_learners(torn())
    assert len(records.learners("open")) == 12_001


def test_a_zone_is_remembered(records: Records, database: Settings) -> None:
    assert records.zone_of("open") is None
    records.set_timezone("open", "Europe/London")
    assert records.zone_of("open") == "Europe/London"
    with pytest.raises(Invalid, match="Mars/Olympus"):
        records.set_timezone("open", "Mars/Olympus")
    again = Records(database)
    assert again.zone_of("open") == "Europe/London"
    again.set_timezone("open", None)
    assert again.zone_of("open") is None
    again.close()


def test_an_import_goes_on_where_it_was(records: Records, database: Settings) -> None:
    source = "open:oulad:1f3a"
    records.start_import("open", source)
    assert records.chunk_state(source, 1) == "new"
    records.start_chunk(source, 1)
    records.start_chunk(source, 2)
    records.finish_chunk(source, 1, 50_000)
    again = Records(database)
    assert [again.chunk_state(source, number) for number in (1, 2, 3)] == ["finished", "started", "new"]
    again.start_import("open", source)
    again.start_chunk(source, 1)
    assert again.chunk_state(source, "1") == "finished"
    again.start_chunk(source, 2)
    again.finish_chunk(source, 2, 7)
    again.finish_import(source)
    (done,) = again.imports("open")
    assert (done["source"], done["rows"], done["finished"] >= done["started"]) == (source, 50_007, True)
    assert [chunk["rows"] for chunk in again.chunks(source)] == [50_000, 7]
    again.close()


def test_chunks_belong_to_one_import_of_one_tenant(records: Records) -> None:
    records.start_import("open", "open:file")
    with pytest.raises(Conflict, match="belongs to tenant open"):
        records.start_import("other", "open:file")
    with pytest.raises(NotFound, match="never begun"):
        records.finish_chunk("open:file", 9, 1)
    with pytest.raises(Invalid, match="does not fit"):
        records.start_chunk("never started", 1)


def test_many_threads_write_at_once(records: Records) -> None:
    def write(number: int) -> None:
        for n in range(25):
            records.put_learners([learner(f"{number}-{n}"), learner("shared", by=number)])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(records.learners("open")) == 101
