"""Presentations: when a course starts, and when a day of it is."""

import re
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rollbook.errors import Invalid

# month in which a presentation of each letter starts, on the first
MONTHS = {"B": 2, "J": 10}
_CODE = re.compile(r"([12]\d{3})([BJ])")

# The dataset knows the day of everything and the hour of nothing. Noon UTC lies on that day in every zone from UTC-12
# to UTC+11; the seconds only keep what belongs before what follows from it, on the same day.
NOON_MS = 12 * 3_600_000
DAY_MS = 86_400_000
ENROLMENT, CLICK, SUBMISSION, COMPLETION, WITHDRAWAL = (NOON_MS + second * 1_000 for second in range(5))

Days = npt.NDArray[np.int64]


def starts(presentation: str) -> date:
    """The first day of a presentation: 1 February of its year for B, 1 October for J. Raises Invalid for others."""
    found = _CODE.fullmatch(presentation)
    if not found:
        raise Invalid(f"{presentation!r} is no presentation: a year and B (February) or J (October), as in 2013J")
    return date(int(found[1]), MONTHS[found[2]], 1)


def course_ids(rows: pa.Table) -> pa.Array:
    """The course of each row: module and presentation, as in AAA_2013J."""
    return pc.binary_join_element_wise(rows["code_module"], rows["code_presentation"], "_").combine_chunks()


def moments(presentations: pa.ChunkedArray, days: Days, time_of_day: int) -> pa.Array:
    """When it was, for each row: `days` after the start of its presentation, at a time of day (milliseconds)."""
    coded = presentations.combine_chunks().dictionary_encode()
    origins = np.array([_epoch_ms(starts(str(code))) for code in coded.dictionary], dtype=np.int64)
    places = coded.indices.to_numpy(zero_copy_only=False)
    return pa.array(origins[places] + days * DAY_MS + time_of_day, pa.timestamp("ms"))


def _epoch_ms(day: date) -> int:
    return int(np.datetime64(day, "ms").astype(np.int64))
