"""Courses, learners, enrolments and assessments of the dataset as records."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from rollbook.errors import Invalid
from rollbook.governance.pseudonyms import known_as
from rollbook.ingest.oulad.dataset import Dataset, require
from rollbook.ingest.oulad.presentations import starts
from rollbook.store import Store

Row = dict[str, Any]

# what describes a person, as told at each presentation; and what belongs to one presentation only
PERSON = ("gender", "region", "highest_education", "imd_band", "age_band", "disability")
ATTEMPT = {"num_of_prev_attempts": "previous_attempts", "studied_credits": "studied_credits"}


def put(store: Store, tenant: str, dataset: Dataset, courses: pa.Table, assessments: pa.Table) -> None:
    """Write them all. What is there already is replaced; a learner is described as at the latest presentation."""
    people = _joined(dataset)
    store.records.put_courses(_courses(tenant, courses))
    store.records.put_assessments(_assessments(tenant, assessments))
    store.records.put_learners(row | {"id": known_as(store, tenant, row["id"])} for row in _learners(tenant, people))
    enrolments = [row | {"learner": known_as(store, tenant, row["learner"])} for row in _enrolments(tenant, people)]
    store.records.put_enrolments(enrolments)
    with store.records.people.roster(tenant) as roster:
        roster.put_memberships([_membership(row) for row in enrolments])


def _joined(dataset: Dataset) -> list[Row]:
    """studentInfo and studentRegistration by course and student, the earliest presentation first."""
    found: dict[tuple[str, int], Row] = {}
    for name in ("studentInfo.csv", "studentRegistration.csv"):
        table = dataset.table(name)
        require(name, table, 0, "code_module", "code_presentation", "id_student")
        for row in table.to_pylist():
            found.setdefault((course_of(row), row["id_student"]), {}).update(row)
    return sorted(found.values(), key=lambda row: starts(row["code_presentation"]))


def _courses(tenant: str, table: pa.Table) -> Iterator[Row]:
    require("courses.csv", table, 0, *table.column_names)
    for row in table.to_pylist():
        yield {
            "tenant": tenant,
            "id": course_of(row),
            "module": row["code_module"],
            "presentation": row["code_presentation"],
            "starts": starts(row["code_presentation"]),
            "days": row["module_presentation_length"],
        }


def _assessments(tenant: str, table: pa.Table) -> Iterator[Row]:
    require("assessments.csv", table, 0, "code_module", "code_presentation", "id_assessment")
    for row in table.to_pylist():
        yield {
            "tenant": tenant,
            "id": str(row["id_assessment"]),
            "course": course_of(row),
            "kind": row["assessment_type"] or "",
            "day": row["date"],
            "weight": row["weight"],
        }


def _learners(tenant: str, people: list[Row]) -> Iterator[Row]:
    latest = {row["id_student"]: row for row in people}
    for student, row in latest.items():
        yield {"tenant": tenant, "id": str(student), "traits": _known(row, {name: name for name in PERSON})}


def _enrolments(tenant: str, people: list[Row]) -> Iterator[Row]:
    names = {name: name for name in PERSON} | ATTEMPT
    for row in people:
        first = starts(row["code_presentation"])
        yield {
            "tenant": tenant,
            "learner": str(row["id_student"]),
            "course": course_of(row),
            "registered": _day(first, row.get("date_registration")),
            "unregistered": _day(first, row.get("date_unregistration")),
            "result": row.get("final_result"),
            "traits": _known(row, names),
        }


def _membership(enrolment: Row) -> Row:
    """The place in the course that an enrolment gives."""
    place = {"course": enrolment["course"], "user": enrolment["learner"], "role": "learner"}
    place |= {"begins": enrolment["registered"], "ends": enrolment["unregistered"]}
    return place | {"source": "oulad", "ref": "", "seen": ""}


def course_of(row: Mapping[str, Any]) -> str:
    """The course of a row, as in AAA_2013J."""
    return f"{row['code_module']}_{row['code_presentation']}"


def _known(row: Row, names: Mapping[str, str]) -> Row:
    return {ours: row[theirs] for theirs, ours in names.items() if row.get(theirs) is not None}


def _day(first: date, day: int | None) -> date | None:
    try:
        return None if day is None else first + timedelta(days=day)
    except OverflowError:
        raise Invalid(f"day {day} of a presentation that starts on {first} is no date") from None
