"""Verdicts: from what each variant did to what may be said of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, Field

from rollbook.analyses.experiments import bayes, shares
from rollbook.analyses.experiments.comparing import Compared, Sample, classes, holm, means, proportions, ratio
from rollbook.analyses.experiments.sequential import FEWEST_CLASSES, FEWEST_PEOPLE, Always, always
from rollbook.analyses.question import Answer

FEWEST_OF_EACH = 5


class Guardrail(BaseModel):
    """What must not get worse, against the control."""

    type: str
    must_not: Literal["rise", "fall"]
    people: int = Field(description="People of this variant who did it.")
    rate: float
    difference: float | None = Field(description="Of the rates; null: cannot be compared.")
    low: float | None
    high: float | None
    p_value: float | None
    verdict: Literal["worse", "not worse", "unknown"] = Field(
        description="`worse`: the whole interval is on the bad side; `not worse`: that is not seen."
    )


class Variant(Answer):
    """One variant. What compares it with the control is null for the control, and where there is too little."""

    variant: str
    is_control: bool
    people: int
    classes: int | None = Field(description="Courses; null where people were assigned.")
    conversions: int = Field(description="People with the goal event.")
    rate: float = Field(description="Conversions over people.")
    values: int = Field(description="People whose value counts; without `value`: all.")
    mean: float | None = Field(description="Mean value; null without `value`, or of nobody.")
    deviation: float | None = Field(description="Standard deviation of the values between people.")
    control_people: int
    control_conversions: int
    difference: float | None = Field(description="Of the rate, or of the mean, from the control's.")
    low: float | None = Field(description="Interval for one look, planned beforehand.")
    high: float | None
    p_value: float | None = Field(description="Of one look, without an effect.")
    p_value_adjusted: float | None = Field(description="Adjusted for the number of variants (Holm).")
    test: str | None
    always_low: float | None = Field(description="Interval that holds however often one looks.")
    always_high: float | None
    always_p_value: float | None
    probability_best: float | None = Field(description="Bayesian: that this one has the highest rate, or mean.")
    share_p_value: float | None = Field(description="Sample-ratio check: all variants' shares against those meant.")
    warning: str | None = Field(description="Set where the shares are so wrong that the comparison means nothing.")
    mixed: int | None = Field(description="People left out of all variants, as they were in several.")
    guardrails: list[Guardrail] | None = Field(description="For analysts null.")


@dataclass(slots=True)
class Class:
    """What the people of a class did; where people were assigned, all of them are one."""

    people: int
    conversions: int
    values: int
    total: float
    squares: float
    guarded: Sequence[int]


@dataclass(slots=True)
class Arm:
    """A variant, class by class."""

    name: str
    of: list[Class] = field(default_factory=list)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add what the SQL found of a class."""
        counts = (row["people"], row["conversions"], row["numbers"])
        self.of.append(Class(*counts, row["total"] or 0.0, row["squares"] or 0.0, row["guarded"]))

    @property
    def people(self) -> int:
        """How many."""
        return sum(one.people for one in self.of)

    @property
    def conversions(self) -> int:
        """How many reached the goal."""
        return sum(one.conversions for one in self.of)

    @property
    def sample(self) -> Sample:
        """Their values."""
        return Sample(*(sum(getattr(one, name) for one in self.of) for name in ("values", "total", "squares")))

    def guarded(self, n: int) -> int:
        """How many did what the n-th guard rail watches."""
        return sum(one.guarded[n] for one in self.of)

    def guards(self, n: int) -> list[tuple[float, float]]:
        """The same, and of how many, by class."""
        return [(one.guarded[n], one.people) for one in self.of]

    def pairs(self) -> list[tuple[float, float]]:
        """Sum of values and number of them, by class; classes without any are left out."""
        return [(one.total, one.values) for one in self.of if one.values]


@dataclass(frozen=True, slots=True)
class Setup:
    """How an experiment is judged. `guards`: types, and whether a rise (1) or a fall (-1) is worse."""

    control: str
    split: Mapping[str, float]
    classes: bool
    by_value: bool
    guards: Sequence[tuple[str, int]]
    alpha: float
    planned: int


def compared(arms: Mapping[str, Arm], setup: Setup, mixed: int) -> list[Variant]:
    """All variants, the control first."""
    control = arms.get(setup.control, Arm(setup.control))
    names = sorted(arms, key=lambda name: (name != setup.control, name))
    units = {name: len(arm.of) if setup.classes else arm.people for name, arm in arms.items()}
    counts = dict.fromkeys(setup.split, 0) | units
    p_value = shares.ratio_p_value(counts, setup.split)
    common = {
        "share_p_value": p_value,
        "warning": shares.warning(counts, setup.split, p_value),
        "mixed": mixed,
        "control_people": control.people,
        "control_conversions": control.conversions,
    }
    others = {name: _against(control, arms[name], setup) for name in names if name != setup.control}
    tested = [name for name, found in others.items() if found]
    adjusted = dict(zip(tested, holm([found.p_value for found in others.values() if found]), strict=True))
    chances = _best([arms[name] for name in names], setup)
    best = dict(zip(names, chances, strict=True)) if chances else {}
    return [
        Variant(
            **_figures(arms[name], setup),
            **common,
            **_difference(others.get(name), adjusted.get(name)),
            **_always(control, arms[name], others.get(name), setup),
            probability_best=best.get(name),
            guardrails=[_guardrail(control, arms[name], setup, n) for n in range(len(setup.guards))],
        )
        for name in names
    ]


def _figures(arm: Arm, setup: Setup) -> dict[str, Any]:
    sample = arm.sample
    return {
        "variant": arm.name,
        "is_control": arm.name == setup.control,
        "people": arm.people,
        "classes": len(arm.of) if setup.classes else None,
        "conversions": arm.conversions,
        "rate": arm.conversions / arm.people,
        "values": sample.size,
        "mean": sample.mean if setup.by_value and sample.size else None,
        "deviation": math.sqrt(sample.variance) if setup.by_value and sample.size > 1 else None,
    }


def _against(control: Arm, arm: Arm, setup: Setup) -> Compared | None:
    if setup.classes:
        return classes(control.pairs(), arm.pairs(), setup.alpha)
    if setup.by_value:
        return means(control.sample, arm.sample, setup.alpha)
    return proportions((control.conversions, control.people), (arm.conversions, arm.people), setup.alpha)


def _difference(found: Compared | None, adjusted: float | None) -> dict[str, Any]:
    names = ("difference", "low", "high", "p_value", "test")
    return {name: getattr(found, name, None) for name in names} | {"p_value_adjusted": adjusted}


def _always(control: Arm, arm: Arm, found: Compared | None, setup: Setup) -> dict[str, Any]:
    """The interval for peeking, once there is enough for sums to be nearly normal."""
    sizes = [len(one.pairs()) if setup.classes else one.sample.size for one in (control, arm)]
    enough = min(sizes) >= (FEWEST_CLASSES if setup.classes else FEWEST_PEOPLE)
    if not setup.classes and not setup.by_value:
        each = [n for one in (control, arm) for n in (one.conversions, one.people - one.conversions)]
        enough = enough and min(each) >= FEWEST_OF_EACH
    known: Always | None = None
    if found and enough:
        known = always(found.difference, found.variance, sum(sizes), planned=setup.planned, alpha=setup.alpha)
    return {f"always_{name}": getattr(known, name, None) for name in ("low", "high", "p_value")}


def _best(arms: Sequence[Arm], setup: Setup) -> list[float] | None:
    if setup.classes:
        of = [arm.pairs() for arm in arms]
        if any(len(pairs) < 2 for pairs in of):
            return None
        known = [ratio(pairs) for pairs in of]
        if any(variance <= 0 for _, variance in known):
            return None
        return bayes.best_normal([mean for mean, _ in known], [math.sqrt(variance) for _, variance in known])
    if setup.by_value:
        return bayes.best_mean([arm.sample for arm in arms])
    return bayes.best_rate([(arm.conversions, arm.people) for arm in arms])


def _guardrail(control: Arm, arm: Arm, setup: Setup, n: int) -> Guardrail:
    kind, sign = setup.guards[n]
    found = None
    if arm.name != setup.control:
        if setup.classes:
            found = classes(control.guards(n), arm.guards(n), setup.alpha)
        else:
            found = proportions((control.guarded(n), control.people), (arm.guarded(n), arm.people), setup.alpha)
    worse = found is not None and (found.low > 0 if sign > 0 else found.high < 0)
    return Guardrail(
        type=kind,
        must_not="rise" if sign > 0 else "fall",
        people=arm.guarded(n),
        rate=arm.guarded(n) / arm.people,
        **{name: getattr(found, name, None) for name in ("difference", "low", "high", "p_value")},
        verdict="unknown" if found is None else "worse" if worse else "not worse",
    )
