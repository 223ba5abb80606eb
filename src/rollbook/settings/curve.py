"""Curve: how much XP a level takes; the value of a setting."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

USUAL = "quadratic:100"
MOST_XP = 10**15
MOST_LEVELS = 1_000
MOST_STEP = 10**9
_HOW = (
    "use quadratic:100 (level n begins at 100 x (n - 1)^2), linear:100 (every 100), exponential:100:1.5 (level 2 after "
    "100, each step 1.5 times the one before), or the XP at which levels 2, 3, 4 … begin: 100,250,500"
)


@dataclass(frozen=True, slots=True)
class Level:
    """A level: its number from 1, the XP at which it begins, and that at which the next does."""

    number: int
    begins: int
    next: int


@dataclass(frozen=True, slots=True)
class Curve:
    """`begins(n)`: the XP at which level n begins; level 1 at 0, each later one at more than the one before."""

    begins: Callable[[int], int]

    def level(self, xp: int) -> Level:
        """The level of so much XP; less than none counts as none."""
        held, low, high = max(0, min(xp, MOST_XP)), 1, 2
        while self.begins(high) <= held:
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.begins(middle) <= held else (low, middle)
        return Level(low, self.begins(low), self.begins(low + 1))


def curve(text: str) -> Curve:
    """The curve that a text names. Raises ValueError, which says what would be right."""
    found = re.fullmatch(r"(quadratic|linear):(\d+)|exponential:(\d+):(\d+(?:\.\d+)?)|\d+(?:,\d+)*", text)
    if found is None:
        raise ValueError(f"{text!r} is no curve of levels; {_HOW}")
    if found[1]:
        return _powers(_step(found[2], text), 1 if found[1] == "linear" else 2)
    if found[3]:
        return _growing(_step(found[3], text), float(found[4]), text)
    return _listed([int(one) for one in text.split(",")], text)


def _step(digits: str, text: str) -> int:
    if not 1 <= int(digits) <= MOST_STEP:
        raise ValueError(f"{text!r} is no curve of levels: a step is 1 to {MOST_STEP} XP")
    return int(digits)


def _powers(step: int, power: int) -> Curve:
    return Curve(lambda number: step * (number - 1) ** power)


def _growing(step: int, factor: float, text: str) -> Curve:
    if not 1 <= factor <= 10:
        raise ValueError(f"{text!r} is no curve of levels: the factor is 1 to 10")
    begins, length = [0], float(step)
    while begins[-1] <= MOST_XP and len(begins) < MOST_LEVELS:
        begins.append(begins[-1] + max(1, round(length)))
        length *= factor
    return _listed(begins[1:], text)


def _listed(begins: list[int], text: str) -> Curve:
    if begins[0] < 1 or sorted(set(begins)) != begins or len(begins) > MOST_LEVELS:
        raise ValueError(f"{text!r} is no curve of levels: it must rise from above 0, in at most {MOST_LEVELS} levels")
    whole = [0, *begins]
    last = whole[-1] - whole[-2]

    def begin(number: int) -> int:
        # after those that are listed, each as far from the one before as the last two
        return whole[number - 1] if number <= len(whole) else whole[-1] + (number - len(whole)) * last

    return Curve(begin)


def checked(text: str) -> str:
    """The text, if it names a curve."""
    curve(text)
    return text


CurveText = Annotated[str, AfterValidator(checked)]
