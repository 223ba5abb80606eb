"""Bayesian knowledge tracing: how likely somebody knows a concept, from right and wrong attempts; and its fit.

Source: Corbett and Anderson 1995, Knowledge tracing. Fitted by expectation maximisation (Baum-Welch, without
forgetting), within bounds that keep the model from being turned upside down (Baker, Corbett and Aleven 2008).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

# attempts that the model looks at, the latest ones; also what makes a bounded number of patterns
MOST_TRIES = 12
BOUNDS = {"initial": (0.01, 0.99), "learn": (0.01, 0.99), "slip": (0.01, 0.3), "guess": (0.01, 0.4)}
ROUNDS = 60  # of expectation maximisation, always as many, so that the same data give the same parameters

Array = np.ndarray[Any, np.dtype[Any]]


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


Patterns = Mapping[tuple[bool, ...], int]


def fitted(concepts: Sequence[Patterns]) -> list[Knowledge]:
    """The parameters that fit best, for each concept, to how many learners had which attempts (at least one each)."""
    if not concepts:
        return []
    tries = [(place, one, learners) for place, patterns in enumerate(concepts) for one, learners in patterns.items()]
    longest = max(len(one) for _, one, _ in tries)
    seen = _Seen(
        of=np.array([place for place, _, _ in tries]),
        weights=np.array([learners for _, _, learners in tries], float),
        made=np.array([[n < len(one) for n in range(longest)] for _, one, _ in tries]),
        right=np.array([[n < len(one) and one[n] for n in range(longest)] for _, one, _ in tries]),
    )
    model = {name: np.full(len(concepts), value) for name, value in dataclasses.asdict(DEFAULT).items()}
    for _ in range(ROUNDS):
        model = _best(model, _expected({name: values[seen.of] for name, values in model.items()}, seen))
    return [Knowledge(**{name: float(values[n]) for name, values in model.items()}) for n in range(len(concepts))]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A row for each pattern: the concept it is `of`, how many learners had it, which attempts were `made`, `right`."""

    of: Array
    weights: Array
    made: Array
    right: Array

    def added(self, values: Array) -> Array:
        """Values of rows, weighed and added up by concept."""
        total: Array = np.bincount(self.of, weights=values * self.weights)
        return total


def _expected(model: dict[str, Array], seen: _Seen) -> dict[str, tuple[Array, Array]]:
    """For every parameter how often it held, and how often it could have, by concept."""
    outcome = _emitted(model, seen)
    forward, scales = _forward(model, outcome)
    backward = _backward(model, outcome, scales)
    belief = forward * backward
    belief /= belief.sum(axis=2, keepdims=True)
    known, unknown = belief[:, :, 1] * seen.made, belief[:, :, 0] * seen.made
    later = outcome[:, 1:, 1] * backward[:, 1:, 1] / scales[:, 1:]
    learnt = forward[:, :-1, 0] * model["learn"][:, None] * later * seen.made[:, 1:]
    return {
        "initial": (seen.added(belief[:, 0, 1]), seen.added(np.ones(len(seen.of)))),
        "learn": (seen.added(learnt.sum(axis=1)), seen.added((belief[:, :-1, 0] * seen.made[:, 1:]).sum(axis=1))),
        "slip": (seen.added((known * ~seen.right).sum(axis=1)), seen.added(known.sum(axis=1))),
        "guess": (seen.added((unknown * seen.right).sum(axis=1)), seen.added(unknown.sum(axis=1))),
    }


def _emitted(model: dict[str, Array], seen: _Seen) -> Array:
    """How likely each attempt's outcome is if the concept is not known, and if it is; 1 where there was none."""
    guess, slip = model["guess"][:, None], model["slip"][:, None]
    either = np.stack([np.where(seen.right, guess, 1 - guess), np.where(seen.right, 1 - slip, slip)], axis=2)
    outcome: Array = np.where(seen.made[:, :, None], either, 1.0)
    return outcome


def _forward(model: dict[str, Array], outcome: Array) -> tuple[Array, Array]:
    forward, scales = np.empty_like(outcome), np.empty(outcome.shape[:2])
    state = np.stack([1 - model["initial"], model["initial"]], axis=1)
    for n in range(outcome.shape[1]):
        joint = state * outcome[:, n]
        scales[:, n] = joint.sum(axis=1)
        forward[:, n] = joint / scales[:, n, None]
        learnt = forward[:, n, 0] * model["learn"]
        state = np.stack([forward[:, n, 0] - learnt, forward[:, n, 1] + learnt], axis=1)
    return forward, scales


def _backward(model: dict[str, Array], outcome: Array, scales: Array) -> Array:
    backward = np.ones_like(outcome)
    for n in reversed(range(outcome.shape[1] - 1)):
        later = outcome[:, n + 1] * backward[:, n + 1] / scales[:, n + 1, None]
        backward[:, n, 0] = (1 - model["learn"]) * later[:, 0] + model["learn"] * later[:, 1]
        backward[:, n, 1] = later[:, 1]
    return backward


def _best(model: dict[str, Array], counts: dict[str, tuple[Array, Array]]) -> dict[str, Array]:
    """The parameters that explain the counts best, within their bounds; as before where nothing was counted."""
    return {
        name: np.clip(np.divide(part, whole, out=model[name].copy(), where=whole > 0), *BOUNDS[name])
        for name, (part, whole) in counts.items()
    }
