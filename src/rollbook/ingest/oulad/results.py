"""Enrolments, withdrawals, results of assessments and completed courses; one event for each."""

from collections.abc import Callable, Iterator
from functools import partial

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rollbook.errors import Invalid
from rollbook.ingest.importing import Chunk, Prepared, event_rows
from rollbook.ingest.oulad.clicks import Occurrences
from rollbook.ingest.oulad.dataset import Dataset, require
from rollbook.ingest.oulad.presentations import COMPLETION, ENROLMENT, SUBMISSION, WITHDRAWAL, course_ids, moments
from rollbook.scores import HIGHEST, LOWEST

PASSED = pa.array(["Pass", "Distinction"])


def chunks(dataset: Dataset, tenant: str, assessments: pa.Table, courses: pa.Table) -> Iterator[Chunk]:
    """Everything but the clicks. `assessments` and `courses` are the files of that name."""
    occurrences = Occurrences()

    def registered(rows: pa.Table) -> Prepared:
        return _registrations(tenant, rows)

    def ended(rows: pa.Table) -> Prepared:
        return _completions(tenant, rows, courses)

    yield from _of(dataset, "studentRegistration.csv", registered, ("id_student",))
    for rows, start in _rows(dataset, "studentAssessment.csv", ("id_assessment", "id_student")):
        students, papers = rows["id_student"].to_numpy(), rows["id_assessment"].to_numpy()
        numbers = occurrences.number(papers, students)
        yield _chunk("studentAssessment.csv", rows, start, partial(_results, tenant, rows, numbers, assessments))
    yield from _of(dataset, "studentInfo.csv", ended, ("id_student",))


def _of(
    dataset: Dataset, name: str, prepare: Callable[[pa.Table], Prepared], required: tuple[str, ...]
) -> Iterator[Chunk]:
    for rows, start in _rows(dataset, name, ("code_module", "code_presentation", *required)):
        yield _chunk(name, rows, start, partial(prepare, rows))


def _rows(dataset: Dataset, name: str, required: tuple[str, ...]) -> Iterator[tuple[pa.Table, int]]:
    start = 0
    for rows in dataset.pieces(name):
        require(name, rows, start, *required)
        yield rows, start
        start += len(rows)


def _chunk(name: str, rows: pa.Table, start: int, prepare: Callable[[], Prepared]) -> Chunk:
    place = f"{name.removesuffix('.csv')} {start}-{start + len(rows)}"
    return Chunk(name=place, rows=len(rows), label=name, prepare=prepare)


def _registrations(tenant: str, rows: pa.Table) -> Prepared:
    enrolled = _dated(tenant, rows, "date_registration", ENROLMENT, "enrolment")
    withdrawn = _dated(tenant, rows, "date_unregistration", WITHDRAWAL, "withdrawal")
    return Prepared(events=pa.concat_tables([enrolled, withdrawn]), undated=len(rows) - len(enrolled))


def _dated(tenant: str, rows: pa.Table, column: str, time_of_day: int, kind: str) -> pa.Table:
    """One event for each row that has a day in this column."""
    rows = rows.filter(pc.is_valid(rows[column])).combine_chunks()
    course, user = course_ids(rows), rows["id_student"].cast(pa.string())
    return event_rows(
        tenant,
        {
            "id": pc.binary_join_element_wise(f"oulad:{kind}", course, user, ":"),
            "type": kind,
            "user": user,
            "timestamp": moments(rows["code_presentation"], rows[column].to_numpy(), time_of_day),
            "source": "oulad",
            "course": course,
            "properties": "{}",
        },
    )


def _results(tenant: str, rows: pa.Table, numbers: np.ndarray, assessments: pa.Table) -> Prepared:
    place = pc.index_in(rows["id_assessment"], value_set=assessments["id_assessment"].combine_chunks())
    if place.null_count:
        unknown = rows["id_assessment"].filter(pc.is_null(place))[0]
        raise Invalid(f"studentAssessment.csv has a result of assessment {unknown}, which assessments.csv lacks")
    paper = assessments.take(place)
    both = {"number": pa.array(numbers), "course": course_ids(paper), "presentation": paper["code_presentation"]}
    both["properties"] = _properties(rows, paper)
    for name, column in both.items():
        rows = rows.append_column(name, column)
    undated = rows["date_submitted"].null_count
    rows = rows.filter(pc.is_valid(rows["date_submitted"])).combine_chunks()
    user, assessment = rows["id_student"].cast(pa.string()), rows["id_assessment"].cast(pa.string())
    number = rows["number"].cast(pa.string())
    events = event_rows(
        tenant,
        {
            "id": pc.binary_join_element_wise("oulad:result", assessment, user, number, ":"),
            "type": "quiz_completion",
            "user": user,
            "timestamp": moments(rows["presentation"], rows["date_submitted"].to_numpy(), SUBMISSION),
            "source": "oulad",
            "course": rows["course"],
            "content": assessment,
            "concept": assessment,
            "score": _scores(rows["score"]),
            "properties": rows["properties"],
        },
    )
    return Prepared(events=events, undated=undated)


def _scores(found: pa.Array) -> pa.Array:
    """From 0 to 100; anything else is none."""
    good = pc.and_(pc.greater_equal(found, LOWEST), pc.less_equal(found, HIGHEST))
    return pc.if_else(good, found, pa.scalar(None, found.type))


def _properties(rows: pa.Table, paper: pa.Table) -> pa.Array:
    """What kind of assessment it was, what it weighs, and whether the result was carried over from an earlier year."""
    told = zip(
        paper["assessment_type"].to_pylist(), paper["weight"].to_pylist(), rows["is_banked"].to_pylist(), strict=True
    )
    return pa.array(
        [
            msgspec.json.encode({"assessment_type": kind, "weight": weight, "banked": banked == 1}).decode()
            for kind, weight, banked in told
        ],
        pa.string(),
    )


def _completions(tenant: str, rows: pa.Table, courses: pa.Table) -> Prepared:
    """Who passed completed the course, on its last day."""
    rows = rows.filter(pc.is_in(rows["final_result"], value_set=PASSED)).combine_chunks()
    course, user = course_ids(rows), rows["id_student"].cast(pa.string())
    place = pc.index_in(course, value_set=course_ids(courses))
    if place.null_count:
        unknown = course.filter(pc.is_null(place))[0]
        raise Invalid(f"studentInfo.csv has students of {unknown}, which courses.csv lacks")
    days = courses["module_presentation_length"].take(place).to_numpy()
    texts = {result: f'{{"result":"{result}"}}' for result in PASSED.to_pylist()}
    return Prepared(
        events=event_rows(
            tenant,
            {
                "id": pc.binary_join_element_wise("oulad:completion", course, user, ":"),
                "type": "course_complete",
                "user": user,
                "timestamp": moments(rows["code_presentation"], days, COMPLETION),
                "source": "oulad",
                "course": course,
                "properties": pa.array([texts[result] for result in rows["final_result"].to_pylist()], pa.string()),
            },
        )
    )
