"""`rollbook import oulad`: the Open University Learning Analytics Dataset (Kuzilek, Hlosta, Zdrahal 2017), whole."""

from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from rollbook.ingest.importing import Chunk, Import, Progress, Summary, quiet
from rollbook.ingest.intake import Intake
from rollbook.ingest.oulad import clicks, people, results
from rollbook.ingest.oulad.dataset import COLUMNS, Dataset
from rollbook.store import Store

DIALECT = "import:oulad"


def import_oulad(
    store: Store, intake: Intake, path: Path, *, tenant: str = "default", progress: Progress = quiet
) -> Summary:
    """Import a zip or a folder of the seven CSV files: events, and records of courses, learners and enrolments.

    May be run again at any time: what is finished is not read again, and nothing is counted twice. Raises Invalid if
    a file is missing or wrong, naming it, and what the store raises, naming the chunk.
    """
    with Dataset(path) as dataset:
        source = f"oulad:{dataset.fingerprint()}"
        run = Import(store, intake, tenant=tenant, source=source, overlaps="oulad:", dialect=DIALECT)
        if run.repeated():
            return run.summary
        courses, assessments, sites = (dataset.table(f"{name}.csv") for name in ("courses", "assessments", "vle"))
        run.once(
            "records",
            len(courses) + len(assessments) + len(sites),
            partial(people.put, store, tenant, dataset, courses, assessments),
        )
        chunks: Iterator[Chunk] = chain(
            results.chunks(dataset, tenant, assessments, courses), clicks.chunks(dataset, tenant, sites)
        )
        return run.run(chunks, sum(map(dataset.estimated_rows, COLUMNS)), progress)
