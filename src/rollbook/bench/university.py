"""A university in the layout of the Open University dataset, made up, and how fast it is imported."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from rollbook.bench.calls import Caller
from rollbook.bench.plan import Plan
from rollbook.bench.processes import Server, serving
from rollbook.errors import Unavailable

MODULES = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG")
PRESENTATIONS = ("2013B", "2013J", "2014B")
COURSES = [(module, presentation) for module in MODULES for presentation in PRESENTATIONS]
SITES_OF_COURSE = 280
ASSESSMENTS_OF_COURSE = 8
LENGTH_DAYS = 262
# most clicks fall before the end, some before the start
EARLIEST_DAY = -20
CLICKS_OF_LEARNER = 330
POLL_SECONDS = 0.05
MOST_SECONDS = 3600

Whole = npt.NDArray[np.int64]
Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import took; `differences`: rollups that differ from the events afterwards."""

    source: str
    rows: int
    events: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int | None
    differences: int

    @property
    def rate(self) -> float:
        """Rows of the source a second."""
        return self.rows / self.seconds if self.seconds else 0.0


def imported(plan: Plan, folder: Path) -> Imported:
    """Import a given copy of the dataset, or one made up, into a fresh folder, through the server that holds it."""
    source = plan.oulad or make(folder / "university", plan.clicks)
    with serving(folder / "imported") as server:
        caller, before, began = Caller(server), server.cpu_seconds(), time.perf_counter()
        running = caller.post("/api/v2/imports", {"kind": "oulad", "path": str(source.resolve())}).json()
        while running["state"] == "running" and time.perf_counter() - began < MOST_SECONDS:
            time.sleep(POLL_SECONDS)
            running = caller.get(f"/api/v2/imports/{running['id']}").json()
        seconds = time.perf_counter() - began
        if running["state"] != "finished":
            raise Unavailable(f"the import of {source} did not end: {running['detail'] or running['state']}")
        return _told(server, running["summary"], seconds, server.cpu_seconds() - before, plan.oulad is None)


def _told(server: Server, summary: dict[str, int], seconds: float, cpu_seconds: float, made_up: bool) -> Imported:
    peak = server.peak_bytes()
    differences = Caller(server).post("/api/v2/verify").json()["differences"]
    source = "made up" if made_up else "the copy given"
    return Imported(source, summary["rows"], summary["events"], seconds, cpu_seconds, peak, len(differences))


def make(folder: Path, clicks: int) -> Path:
    """Write the seven files; as many learners as that many clicks have in the dataset."""
    chance = np.random.default_rng(2013)
    students = np.arange(max(40, clicks // CLICKS_OF_LEARNER)) * 7 + 6516
    course = chance.integers(len(COURSES), size=len(students))
    folder.mkdir(parents=True)
    _courses(folder)
    _people(folder, chance, students, course)
    _results(folder, chance, students, course)
    _clicks(folder, chance, clicks, (students, course))
    return folder


def _courses(folder: Path) -> None:
    every = np.arange(len(COURSES))
    _write(folder, "courses", _presented(every) | {"module_presentation_length": [LENGTH_DAYS] * len(COURSES)})
    of = np.repeat(every, ASSESSMENTS_OF_COURSE)
    number = np.arange(len(of))
    _write(
        *(folder, "assessments"),
        _presented(of)
        | {
            "id_assessment": number + 1752,
            "assessment_type": ["TMA" if n % 2 else "CMA" for n in number],
            "date": (number % ASSESSMENTS_OF_COURSE) * 30 + 19,
            "weight": [12] * len(of),
        },
    )
    of = np.repeat(every, SITES_OF_COURSE)
    kinds = ["resource", "oucontent", "forumng", "homepage", "quiz", "subpage", "url"]
    activity = [kinds[n % len(kinds)] for n in range(len(of))]
    _write(folder, "vle", _presented(of) | {"id_site": np.arange(len(of)) + 546000, "activity_type": activity})


def _people(folder: Path, chance: np.random.Generator, students: Whole, course: Whole) -> None:
    count = len(students)
    one = _presented(course) | {"id_student": students}
    fixed = {"region": "Wales", "highest_education": "HE Qualification", "imd_band": "20-30%", "age_band": "0-35"}
    info = {name: [value] * count for name, value in fixed.items()} | {
        "gender": ["FM"[n % 2] for n in range(count)],
        "num_of_prev_attempts": [0] * count,
        "studied_credits": [60] * count,
        "disability": ["N"] * count,
        "final_result": [("Pass", "Fail", "Withdrawn", "Distinction")[n] for n in chance.integers(4, size=count)],
    }
    _write(folder, "studentInfo", one | info)
    left = [str(day) if day > 0 else "" for day in chance.integers(-600, LENGTH_DAYS, size=count)]
    dates = {"date_registration": chance.integers(-160, -1, size=count), "date_unregistration": left}
    _write(folder, "studentRegistration", one | dates)


def _results(folder: Path, chance: np.random.Generator, students: Whole, course: Whole) -> None:
    count = len(students) * ASSESSMENTS_OF_COURSE
    number = np.tile(np.arange(ASSESSMENTS_OF_COURSE), len(students))
    columns: Columns = {
        "id_assessment": np.repeat(course, ASSESSMENTS_OF_COURSE) * ASSESSMENTS_OF_COURSE + number + 1752,
        "id_student": np.repeat(students, ASSESSMENTS_OF_COURSE),
        "date_submitted": number * 30 + chance.integers(10, 20, size=count),
        "is_banked": [0] * count,
        "score": chance.integers(20, 101, size=count),
    }
    _write(folder, "studentAssessment", columns)


def _clicks(folder: Path, chance: np.random.Generator, count: int, people: tuple[Whole, Whole]) -> None:
    """A course after the other and a day after the other, as in the dataset."""
    who = chance.integers(len(people[0]), size=count)
    days = chance.integers(EARLIEST_DAY, LENGTH_DAYS, size=count)
    course = people[1][who]
    order = np.lexsort((days, course))
    site = course * SITES_OF_COURSE + chance.integers(SITES_OF_COURSE, size=count) + 546000
    columns = {"id_student": people[0][who][order], "id_site": site[order], "date": days[order]}
    rest = {"sum_click": np.minimum(chance.geometric(0.3, size=count), 99)}
    _write(folder, "studentVle", _presented(course[order]) | columns | rest)


def _presented(course: Whole) -> dict[str, Any]:
    modules, presentations = (np.array(names) for names in zip(*COURSES, strict=True))
    return {"code_module": modules[course], "code_presentation": presentations[course]}


def _write(folder: Path, name: str, columns: Columns) -> None:
    csv.write_csv(pa.table(dict(columns)), folder / f"{name}.csv")
