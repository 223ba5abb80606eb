"""Footprint: what the embedded engine and its client would hold in memory without using it."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path

import pyarrow as pa

SMAPS = Path("/proc/self/smaps")
DONTNEED = 4


class _Absent(MetaPathFinder):
    """Makes one package look as if it were not installed."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Nothing: the next finder is asked, unless it is the package."""
        if name.partition(".")[0] == self.package:
            raise ModuleNotFoundError(name)


def leave_out_pandas() -> None:
    """Save 40 MB: Arrow imports pandas with the first list it converts, in case the list is one of pandas' own.

    It asks once, so pandas is hidden while it does. A program that uses pandas beside Rollbook finds it afterwards, and
    is left alone if it has imported it already.
    """
    if "pandas" in sys.modules:
        return
    hidden = _Absent("pandas")
    sys.meta_path.insert(0, hidden)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(hidden)


def hand_back_code() -> None:
    """Give the engine's code back to the page cache: loading it touches 100 MB that nothing runs again.

    What is run is read again from there, a page at a time. Only pages as they are in the file are given back, and only
    where the system tells (Linux).
    """
    with contextlib.suppress(OSError, AttributeError):
        advise = ctypes.CDLL(None).madvise
        for begin, size in _clean_code():
            advise(ctypes.c_void_p(begin), ctypes.c_size_t(size), DONTNEED)


def _clean_code() -> Iterator[tuple[int, int]]:
    """Address and bytes of the engine's read-only stretches none of whose pages differs from the file."""
    begin = size = 0
    ours = False
    for line in SMAPS.read_text().splitlines():
        first, *rest = line.split()
        if not first.endswith(":"):
            low, high = (int(end, 16) for end in first.split("-"))
            begin, size = low, high - low
            ours = "w" not in rest[0] and "_chdb" in rest[-1]
        elif first == "Anonymous:" and ours and rest[0] == "0":
            yield begin, size
