"""Knowledge tracing: the steps by hand, and a fit that finds again what made the attempts."""

import math
import random
from collections import Counter

from rollbook.analyses.learning.knowledge import Knowledge, fitted
from tests.oracles.learning import fit_by_paths, likelihood


def test_one_right_attempt_by_hand() -> None:
    # known 0.3: right with 0.3 x 0.9 + 0.7 x 0.2 = 0.41; then 0.27 / 0.41, and learnt with 0.15 of the rest
    known = 0.27 / 0.41
    assert math.isclose(Knowledge(0.3, 0.15, 0.1, 0.2).known([True]), known + (1 - known) * 0.15)
    assert math.isclose(Knowledge(0.3, 0.15, 0.1, 0.2).expected(0.5), 0.5 * 0.9 + 0.5 * 0.2)


def test_no_attempts_leave_what_was_known_before() -> None:
    assert Knowledge(initial=0.4).known([]) == 0.4


def test_what_cannot_be_changes_nothing() -> None:
    assert Knowledge(initial=1, slip=0).known([False]) == 1


def test_a_fit_finds_what_made_the_attempts() -> None:
    truth = Knowledge(initial=0.35, learn=0.2, slip=0.08, guess=0.15)
    chance = random.Random(5)
    patterns = Counter(made_up(truth, chance, length=8) for _ in range(4000))
    (found,) = fitted([patterns])
    for name, margin in (("initial", 0.05), ("learn", 0.04), ("slip", 0.03), ("guess", 0.04)):
        assert abs(getattr(found, name) - getattr(truth, name)) < margin, name
    assert likelihood(found, patterns) >= likelihood(truth, patterns)


def test_concepts_are_fitted_apart_and_as_by_looking_at_every_path() -> None:
    chance = random.Random(6)
    easy = Counter(made_up(Knowledge(0.7, 0.3, 0.05, 0.3), chance, length=1 + n % 5) for n in range(200))
    hard = Counter(made_up(Knowledge(0.1, 0.05, 0.2, 0.1), chance, length=1 + n % 9) for n in range(200))
    found = fitted([easy, hard])
    for one, patterns in zip(found, (easy, hard), strict=True):
        expected = fit_by_paths(patterns)
        assert all(math.isclose(getattr(one, name), value, abs_tol=1e-9) for name, value in expected.items())
        assert likelihood(one, patterns) > likelihood(Knowledge(), patterns)
    assert fitted([]) == []


def made_up(model: Knowledge, chance: random.Random, length: int) -> tuple[bool, ...]:
    """Attempts of somebody for whom the model is true."""
    known, tries = chance.random() < model.initial, []
    for _ in range(length):
        tries.append(chance.random() < (1 - model.slip if known else model.guess))
        known = known or chance.random() < model.learn
    return tuple(tries)
