"""studentVle: who clicked how often on which site on which day; one event for each row.

A student may have several rows for the same site and day. So a row's id is that natural key and the number of its
occurrence in the file, which is the same on every import, wherever a chunk begins.
"""

from collections.abc import Iterator
from functools import partial

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rollbook.errors import Invalid
from rollbook.ingest.importing import Chunk, Prepared, event_rows
from rollbook.ingest.oulad.dataset import Dataset, require
from rollbook.ingest.oulad.presentations import CLICK, course_ids, moments

FILE = "studentVle.csv"
MOST_ID = 1 << 32

Whole = npt.NDArray[np.int64]


class Occurrences:
    """Numbers the rows of each natural key, 1 for the first in the file, across all chunks.

    Keys are remembered by group (course and day), 16 bytes each; only a group that comes up again is looked up.
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[Whole, Whole]] = {}

    def number(self, groups: Whole, keys: Whole) -> Whole:
        """The occurrence of each row of the next chunk, given its group and its key within the group."""
        order = np.lexsort((keys, groups))
        group, key = groups[order], keys[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (group[1:] != group[:-1]) | (key[1:] != key[:-1])
        begins = np.flatnonzero(first)
        lengths = np.diff(np.append(begins, len(order)))
        before = self._remember(group[begins], key[begins], lengths)
        numbers = np.empty(len(order), dtype=np.int64)
        numbers[order] = np.arange(len(order)) - np.repeat(begins - before, lengths) + 1
        return numbers

    def _remember(self, groups: Whole, keys: Whole, counts: Whole) -> Whole:
        """How often each key came up before (all sorted by group and key); the new counts are kept."""
        before = np.zeros(len(keys), dtype=np.int64)
        present, begins = np.unique(groups, return_index=True)
        for group, begin, end in zip(present, begins, np.append(begins[1:], len(groups)), strict=True):
            mine, total = keys[begin:end].copy(), counts[begin:end].copy()
            if int(group) in self._seen:
                known, seen = self._seen[int(group)]
                place = np.minimum(np.searchsorted(known, mine), len(known) - 1)
                before[begin:end] = np.where(known[place] == mine, seen[place], 0)
                mine, total = _merged(np.concatenate([known, mine]), np.concatenate([seen, total]))
            self._seen[int(group)] = (mine, total)
        return before


def _merged(keys: Whole, counts: Whole) -> tuple[Whole, Whole]:
    distinct, places = np.unique(keys, return_inverse=True)
    return distinct, np.bincount(places, counts).astype(np.int64)


def chunks(dataset: Dataset, tenant: str, sites: pa.Table) -> Iterator[Chunk]:
    """The file in chunks, in its order. `sites` is vle.csv."""
    occurrences, numbered, texts, start = Occurrences(), dict[str, int](), _Texts(sites), 0
    for rows in dataset.pieces(FILE):
        _check(rows, start)
        course = course_ids(rows)
        groups = _groups(course, rows["date"].to_numpy(), numbered)
        numbers = occurrences.number(groups, (rows["id_student"].to_numpy() << 32) | rows["id_site"].to_numpy())
        yield Chunk(
            # the rows' places are part of the name: with chunks of another size none would pass for finished
            name=f"clicks {start}-{start + len(rows)}",
            rows=len(rows),
            label=FILE,
            prepare=partial(_prepare, tenant, rows, numbers, texts),
        )
        start += len(rows)


def _check(rows: pa.Table, start: int) -> None:
    require(FILE, rows, start, *rows.column_names)
    for name in ("id_student", "id_site"):
        ends = pc.min_max(rows[name]).as_py()
        if ends["min"] < 0 or ends["max"] >= MOST_ID:
            where = f"in one of the rows {start + 1} to {start + len(rows)}"
            raise Invalid(f"{FILE}: {name} is not between 0 and {MOST_ID - 1} {where}")


def _groups(course: pa.Array, days: Whole, numbered: dict[str, int]) -> Whole:
    """A number for each row's course and day, the same in every chunk."""
    coded = course.dictionary_encode()
    own = [numbered.setdefault(str(name), len(numbered)) for name in coded.dictionary]
    places = np.array(own, dtype=np.int64)[coded.indices.to_numpy(zero_copy_only=False)]
    groups: Whole = (places << 32) + days
    return groups


def _prepare(tenant: str, rows: pa.Table, numbers: Whole, texts: "_Texts") -> Prepared:
    """The events of a chunk, by time, so that each insert goes through its months one after the other."""
    days = rows["date"].to_numpy()
    moment = moments(rows["code_presentation"], days, CLICK)
    order = pa.array(np.argsort(moment.to_numpy(zero_copy_only=False), kind="stable"))
    user, content = rows["id_student"].cast(pa.string()), rows["id_site"].cast(pa.string())
    course = course_ids(rows)
    day, number = pa.array(days).cast(pa.string()), pa.array(numbers).cast(pa.string())
    columns = {
        "id": pc.binary_join_element_wise("oulad:click", course, user, content, day, number, ":"),
        "user": user,
        "timestamp": moment,
        "course": course,
        "content": content,
        "properties": texts.properties(rows["sum_click"].to_numpy(), rows["id_site"]),
    }
    taken = {name: pc.take(column, order) for name, column in columns.items()}
    return Prepared(events=event_rows(tenant, taken | {"type": "content_view", "source": "oulad"}))


class _Texts:
    """The properties of clicks as JSON, written once for each count and activity type rather than for each row."""

    def __init__(self, sites: pa.Table) -> None:
        kinds = sites["activity_type"].combine_chunks().dictionary_encode()
        self._sites = sites["id_site"].combine_chunks()
        self._kinds = [*kinds.dictionary.to_pylist(), None]
        # the last is taken for a site that vle.csv does not have
        known = kinds.indices.fill_null(len(self._kinds) - 1).to_numpy(zero_copy_only=False)
        self._codes = np.append(known, len(self._kinds) - 1).astype(np.int64)

    def properties(self, clicks: Whole, sites: pa.ChunkedArray) -> pa.Array:
        """The JSON text of each row."""
        place = pc.index_in(sites, value_set=self._sites).fill_null(-1).to_numpy()
        pairs, places = np.unique(clicks * len(self._kinds) + self._codes[place], return_inverse=True)
        return pa.array([self._text(*divmod(int(pair), len(self._kinds))) for pair in pairs]).take(pa.array(places))

    def _text(self, clicks: int, code: int) -> str:
        kind = self._kinds[code]
        known: dict[str, int | str] = {"clicks": clicks}
        return msgspec.json.encode(known | ({"activity_type": kind} if kind else {})).decode()
