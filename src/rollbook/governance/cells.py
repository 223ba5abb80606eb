"""Small cells: when a figure would speak of few people, and the noise that hides single ones.

A cell is a group of people that a figure counts. It is withheld if it holds fewer than k people, or leaves out fewer
than k of those it is part of (whoever knows the whole would know them). Perturbation is the cell-key method (Fraser and
Wooton 2005; Australian Bureau of Statistics): everyone has a key, those of a cell and of its whole together choose the
noise; so the same people always get the same noise, and asking again tells nothing.
"""

import hashlib
from dataclasses import dataclass

# noise is the sum of two whole numbers from -SPREAD to SPREAD: at most twice as much, standard deviation 2.8
SPREAD = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """How many people, and all their keys in one number (exclusive or)."""

    people: int
    code: int = 0


def is_small(people: int, whole: int | None, smallest: int) -> bool:
    """Whether so many people of a whole (None: of no whole) are too few to be told of."""
    return people < smallest or (whole is not None and whole - people < smallest)


def noise(cell: Cell, whole: Cell, secret: bytes) -> int:
    """What is added to the number of people of a cell: the same for the same people of the same whole."""
    told = f"{cell.people} {cell.code} {whole.people} {whole.code}".encode()
    drawn = hashlib.blake2b(told, key=secret, digest_size=16).digest()
    faces = 2 * SPREAD + 1
    return sum(int.from_bytes(part) % faces - SPREAD for part in (drawn[:8], drawn[8:]))


def perturbed(cell: Cell, whole: Cell, secret: bytes, smallest: int) -> int:
    """The number of people with noise; never so few that it would have been withheld."""
    return max(smallest, cell.people + noise(cell, whole, secret))
