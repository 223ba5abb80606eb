"""Crowd: who stands behind the rows of an answer, and so which of its figures must be withheld where they are few."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rollbook.governance.cells import Cell, is_small, noise, perturbed

# where a count is a part of all people that the crowd's SQL finds
EVERYONE = "*"


@dataclass(frozen=True, slots=True)
class Crowd:
    """`sql` gives each row's `keys` (fields of the answer) and a `person` of it; "" where the counts say it all.

    `counts`: fields that count people, and the field that counts those they are part of (EVERYONE: all that the SQL
    finds; "": of nothing). `shares`: fields that are shares (or lists, or objects of them) of a count. `rates`: fields
    that are one count over another. `figures`: others that grow with people. `extremes`: what belongs to single people,
    and is left out. `optional`: counts that can be left out alone; where another one is small, the whole row is.
    `falling`: counts of rows that follow each other; where one differs by few from the row before, the row is left out.
    `along`: only rows alike in these follow each other. `partitions`: rows alike in such fields have each person once
    among them; where all that are withheld of them are few, so is the smallest that is not (the sum would tell them).
    `weekly`: it can be perturbed: it adds up whole weeks, and shows none of their days.
    """

    sql: str = ""
    keys: tuple[str, ...] = ()
    counts: Mapping[str, str] = field(default_factory=dict)
    shares: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    figures: tuple[str, ...] = ()
    extremes: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    falling: tuple[str, ...] = ()
    along: tuple[str, ...] = ()
    partitions: tuple[tuple[str, ...], ...] = ()
    weekly: bool = False


@dataclass(frozen=True, slots=True)
class Behind:
    """What a crowd's SQL has found: a cell for each key, and everyone."""

    cells: Mapping[tuple[Any, ...], Cell]
    everyone: Cell


Row = dict[str, Any]


def without_few(row: Row, crowd: Crowd, behind: Behind, smallest: int) -> Row | None:
    """The row without what speaks of few people; None: nothing is left of it."""
    kept = row | dict.fromkeys(crowd.extremes)
    if crowd.keys:
        cell = behind.cells.get(key_of(row, crowd))
        if cell is None or is_small(cell.people, behind.everyone.people, smallest):
            return None
    for name, of in crowd.counts.items():
        if not is_small(row[name], _whole(row, of, behind), smallest):
            continue
        if name not in crowd.optional:
            return None
        kept |= {name: None} | {rate: None for rate, counts in crowd.rates.items() if name in counts}
    return kept | {name: _shares(row[name], row[base], smallest) for name, base in crowd.shares.items()}


def with_noise(row: Row, crowd: Crowd, behind: Behind, *, secret: bytes, smallest: int) -> Row:
    """The row with noise on its counts, and its other figures in proportion."""
    cell = behind.cells[key_of(row, crowd)] if crowd.keys else behind.everyone
    people = perturbed(cell, behind.everyone, secret, smallest)
    factor = people / cell.people
    changed: Row = {name: type(row[name])(round(row[name] * factor)) for name in crowd.figures}
    for name, of in crowd.counts.items():
        whole = behind.everyone if of == EVERYONE else Cell(row[of] if of else 0)
        counted = Cell(row[name], cell.code)
        changed[name] = max(smallest, row[name] + noise(counted, whole, secret))
    for name, (part, of) in crowd.rates.items():
        changed[name] = min(1.0, changed[part] / changed[of])
    return row | changed


def key_of(row: Mapping[str, Any], crowd: Crowd) -> tuple[Any, ...]:
    """The key of a row."""
    return tuple(row[name] for name in crowd.keys)


def _whole(row: Row, of: str, behind: Behind) -> int | None:
    if of == EVERYONE:
        return behind.everyone.people
    return row[of] if of else None


def _shares(value: Any, base: int, smallest: int) -> Any:
    """Shares of so many people, without those that stand for few, or differ by few from the one before."""
    if isinstance(value, Mapping):
        return dict(zip(value, _steps(list(value.values()), base, smallest), strict=True))
    if isinstance(value, Sequence):
        return _steps(value, base, smallest)
    return _steps([value], base, smallest)[0]


def _steps(shares: Sequence[float | None], base: int, smallest: int) -> list[float | None]:
    kept: list[float | None] = []
    last: int | None = None
    for share in shares:
        people = None if share is None else round(share * base)
        little = people is not None and last is not None and 0 < abs(last - people) < smallest
        if people is None or little or is_small(people, base, smallest):
            kept.append(None)
        else:
            last = people
            kept.append(share)
    return kept
