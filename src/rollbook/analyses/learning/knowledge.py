"""Bayesian knowledge tracing: how likely somebody knows a concept, from right and wrong attempts; and its fit.

Source: Corbett and Anderson 1995, Knowledge tracing. Fitted by expectation maximisation (Baum-Welch, without
forgetting), within bounds that keep the model from being turned upside down (Baker, Corbett and Aleven 2008).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field

# attempts that the model looks at, the latest ones; also what makes a bounded number of patterns
MOST_TRIES = 12
BOUNDS = {"initial": (0.01, 0.99), "learn": (0.01, 0.99), "slip": (0.01, 0.3), "guess": (0.01, 0.4)}
ROUNDS = 60  # of expectation maximisation, always as many, so that the same data give the same parameters

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = dict[str, Array]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`initial`: known before the first attempt; `learn`: learnt at an attempt; `slip`: wrong though known; `guess`:
    right though not known. All are probabilities.
    """

    initial: float = 0.3
    learn: float = 0.15
    slip: float = 0.1
    guess: float = 0.2

    def known(self, tries: Sequence[bool]) -> float:
        """How likely the concept is known after these attempts."""
        known = self.initial
        for right in tries:
            if_known, if_not = (1 - self.slip, self.guess) if right else (self.slip, 1 - self.guess)
            whole = known * if_known + (1 - known) * if_not
            known = known * if_known / whole if whole else known
            known += (1 - known) * self.learn
        return known

    def expected(self, known: float) -> float:
        """How likely the next attempt succeeds."""
        return known * (1 - self.slip) + (1 - known) * self.guess


DEFAULT = Knowledge()
Probability = Annotated[float, Field(ge=0, le=1)]
# with both under a half, a right answer always speaks for knowing
Mistake = Annotated[float, Field(ge=0, lt=0.5)]

# how many learners had which attempts, at least one each
Patterns = Mapping[tuple[bool, ...], int]


def fitted(concepts: Sequence[Patterns]) -> list[Knowledge]:
    """The parameters that fit each concept best."""
    if not concepts:
        return []
    seen = _Seen.all_of(concepts)
    model = _arrays([DEFAULT] * len(concepts))
    for _ in range(ROUNDS):
        model = _best(model, seen)
    return [Knowledge(**{name: float(values[n]) for name, values in model.items()}) for n in range(len(concepts))]


def known_on_average(concepts: Sequence[Patterns], models: Sequence[Knowledge]) -> list[float]:
    """How likely each concept, by its model, is known after the attempts, as a mean over its learners."""
    if not concepts:
        return []
    seen, model = _Seen.all_of(concepts), _arrays(models)
    unknown = _unknown(model, seen)["last"] * (1 - model["learn"])
    return [float(share) for share in 1 - unknown / seen.learners]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A row for each pattern, the longest first: the concept it is `of`, and how many learners had it (`weights`).

    `right`: whether the n-th attempts were, of the rows that have so many, which are the first ones. By concept, how
    many `learners` there are, and how many attempts they `made` and had `wrong`.
    """

    of: Array
    weights: Array
    right: list[Array]
    learners: Array
    made: Array
    wrong: Array

    @classmethod
    def all_of(cls, concepts: Sequence[Patterns]) -> Self:
        """The patterns of all concepts."""
        lengths = np.array([len(tries) for patterns in concepts for tries in patterns])
        order, begins = np.argsort(-lengths, kind="stable"), np.cumsum(lengths) - lengths
        tries = np.fromiter(chain.from_iterable(chain.from_iterable(concepts)), bool)
        having = [int(np.count_nonzero(lengths > n)) for n in range(lengths.max())]
        of = np.repeat(np.arange(len(concepts)), [len(patterns) for patterns in concepts])
        weights = np.fromiter(chain.from_iterable(patterns.values() for patterns in concepts), float)
        return cls(
            of=of[order],
            weights=weights[order],
            right=[tries[begins[order[:rows]] + n] for n, rows in enumerate(having)],
            learners=np.bincount(of, weights),
            made=np.bincount(of, weights * lengths),
            wrong=np.bincount(of, weights * np.add.reduceat(~tries, begins, dtype=int)),
        )


def _arrays(models: Sequence[Knowledge]) -> Arrays:
    return {name: np.array([getattr(model, name) for model in models]) for name in BOUNDS}


def _best(model: Arrays, seen: _Seen) -> Arrays:
    """The parameters that explain what the model believes best, within their bounds; as before where there is nothing
    to tell them by.
    """
    unknown = _unknown(model, seen)
    always = unknown["all"]
    # how often each held, and how often it could have; learnt is what was not known first and is known last
    counts = {
        "initial": (seen.learners - unknown["first"], seen.learners),
        "learn": (unknown["first"] - unknown["last"], always - unknown["last"]),
        "slip": (seen.wrong - (always - unknown["right"]), seen.made - always),
        "guess": (unknown["right"], always),
    }
    return {
        name: np.clip(np.divide(part, whole, out=model[name].copy(), where=whole > 0), *BOUNDS[name])
        for name, (part, whole) in counts.items()
    }


def _unknown(model: Arrays, seen: _Seen) -> Arrays:
    """How many attempts were made without knowing, by concept: of the first ones, the last, all, and all right ones.

    Since nothing is forgotten, all can be told in proportion to the likelihood of having known from the first attempt
    on: not yet to know at the n-th is as likely as `before` x `after` of it. Twelve attempts cannot make these too
    large or small for a float.
    """
    learn, yet = model["learn"][seen.of], 1 - model["learn"]
    if_right = (yet * model["guess"] / (1 - model["slip"]))[seen.of]
    if_wrong = (yet * (1 - model["guess"]) / model["slip"])[seen.of]
    steps = [np.where(right, if_right[: len(right)], if_wrong[: len(right)]) for right in seen.right]
    after = [np.ones(len(step)) for step in steps]
    for n in reversed(range(1, len(steps))):
        after[n - 1][: len(steps[n])] = steps[n] * after[n] + learn[: len(steps[n])]
    before = ((1 - model["initial"]) / yet)[seen.of]
    first, last, every, right = (np.zeros(len(before)) for _ in range(4))
    for n, step in enumerate(steps):
        rows = len(step)
        before = before[:rows] * step
        last[:rows] = before * after[n]
        every[:rows] += last[:rows]
        right[:rows] += last[:rows] * seen.right[n]
        if n == 0:
            first = last.copy()
    likelihood = first + model["initial"][seen.of]
    found = {"first": first, "last": last, "all": every, "right": right}
    return {name: np.bincount(seen.of, values * seen.weights / likelihood) for name, values in found.items()}
