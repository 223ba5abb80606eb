"""Shares: whether as many came to each variant as were meant to (the sample-ratio check)."""

from collections.abc import Mapping

from rollbook.analyses.experiments.distributions import chi_square_above

# far below what tests of effects use: this is looked at often, and an alarm stops an experiment (Fabijan et al. 2019)
ALARM = 0.001


def ratio_p_value(counts: Mapping[str, int], meant: Mapping[str, float]) -> float | None:
    """How surprising these counts are if the shares were as meant (chi-square); None: fewer than two variants."""
    total, whole = sum(counts.values()), sum(meant.values())
    if len(counts) < 2 or not total:
        return None
    if any(counts[name] and not meant.get(name) for name in counts):
        # somebody is where nobody was meant to be
        return 0.0
    expected = {name: total * meant[name] / whole for name in counts if meant.get(name)}
    return chi_square_above(
        sum((counts[name] - most) ** 2 / most for name, most in expected.items()), len(expected) - 1
    )


def warning(counts: Mapping[str, int], meant: Mapping[str, float], p_value: float | None) -> str | None:
    """What to say of them; None: nothing."""
    if p_value is None or p_value >= ALARM:
        return None
    total, whole = sum(counts.values()), sum(meant.values())
    told = ", ".join(
        f"{name} {counts[name] / total:.1%} instead of {meant.get(name, 0) / whole:.1%}" for name in sorted(counts)
    )
    return (
        f"The variants did not get the shares that were meant ({told}; p = {p_value:.2g}). Something loses or moves"
        " people, so do not trust the comparison: look for exposures that are sent twice, late or not at all."
    )
