"""Filter: a Bloom filter of keys in blocks of one cache line, asked and told of thousands of keys at once.

A key's first half says which block is its own, and by sixteen odd multipliers which bit of each of the block's sixteen
words (Putze, Sanders, Singler: "Cache-, hash- and space-efficient Bloom filters", 2007). At 24 bits a key one in ten
thousand of those that were never told is taken for known.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

WORDS = 16
BITS_PER_KEY = 24
# what is looked at together: 64 bytes a key
SLICE = 65_536

_SALTS = (np.random.default_rng(0x726F6C6C).integers(0, 1 << 31, WORDS, np.uint32) << np.uint32(1)) | np.uint32(1)
_ONE, _HALF, _TOP = np.uint32(1), np.uint64(32), np.uint32(27)


class Filter:
    """Which keys (16 bytes each) may have been told to it: none that was is ever missed."""

    def __init__(self, capacity: int, words: np.ndarray | None = None) -> None:
        """For so many keys; `words`: those of a filter that was saved."""
        blocks = max(1, capacity * BITS_PER_KEY // (32 * WORDS))
        self._words = np.zeros((blocks, WORDS), np.uint32) if words is None else words

    def may_hold(self, keys: Sequence[bytes]) -> np.ndarray:
        """For each key whether it may have been told; false: it certainly was not."""
        found = np.empty(len(keys), bool)
        for place, block, bits in self._parts(keys):
            found[place] = ((self._words[block] & bits) == bits).all(axis=1)
        return found

    def tell(self, keys: Sequence[bytes]) -> None:
        """Remember keys."""
        for _, block, bits in self._parts(keys):
            missing = np.arange(len(block))
            while len(missing):
                # of two keys of one block only the last gets through at once
                self._words[block[missing]] |= bits[missing]
                left = (self._words[block[missing]] & bits[missing]) != bits[missing]
                missing = missing[left.any(axis=1)]

    def save(self, path: Path) -> None:
        """Write it to a file."""
        with path.open("wb") as file:
            np.save(file, self._words)

    def _parts(self, keys: Sequence[bytes]) -> "list[tuple[slice, np.ndarray, np.ndarray]]":
        """Slices of the keys, the block of each and the bits that are its own there."""
        found = []
        for start in range(0, len(keys), SLICE):
            part = keys[start : start + SLICE]
            first = np.frombuffer(b"".join(part), np.uint64)[::2]
            block = (((first >> _HALF) * np.uint64(len(self._words))) >> _HALF).astype(np.intp)
            bits = _ONE << ((first.astype(np.uint32)[:, None] * _SALTS) >> _TOP)
            found.append((slice(start, start + len(part)), block, bits))
        return found


def saved(path: Path) -> Filter:
    """A filter from its file. Raises OSError or ValueError if it is not one."""
    words = cast(np.ndarray, np.load(path))
    if words.dtype != np.uint32 or words.ndim != 2 or words.shape[1] != WORDS:
        raise ValueError(f"{path} is no filter")
    return Filter(0, words)
