"""Scoring: from counts by day, source and type to the five shares of data quality, and what lowers them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rollbook.analyses.question import Answer

MOST_REASONS = 20
DUPLICATE = "duplicate"
# what every event should have, by the name of its count
MISSING = ("no_user", "no_source", "no_session", "no_course", "no_content", "no_score")
CONTRADICTIONS = ("clock_ahead", "score_outside", "duration_outside")

Dimension = Literal["validity", "completeness", "timeliness", "uniqueness", "consistency"]
Share = float | None
Found = Sequence[dict[str, Any]]


class Lowering(BaseModel):
    """Why a share is lower than 100."""

    model_config = ConfigDict(extra="forbid")

    dimension: Dimension
    reason: str = Field(description="`invalid`, a reason of refusal, `no_…`, `late`, `duplicate`, `clock_ahead`, …")
    detail: str = Field(description="The event type where the reason is `invalid` or `spelling`, else empty.")
    events: int


class DayQuality(Answer):
    """A day, or a day of one source."""

    day: date
    source: str | None = Field(description="Null: the whole day.")
    events: int = Field(description="Accepted, that happened on the day.")
    refused: int
    duplicates: int
    validity: Share
    completeness: Share
    timeliness: Share
    uniqueness: Share
    consistency: Share
    score: Share = Field(description="Mean of the five; document 3 wants 95 or more.")
    lowered_by: list[Lowering] | None = Field(description="What lowers it, by events; null for who sees groups only.")


def scored(found: Found, expected: Sequence[str]) -> list[DayQuality]:
    """The rows of the answer."""
    usual = _usual(found)
    groups: dict[tuple[date, str | None], list[dict[str, Any]]] = {}
    for row in found:
        groups.setdefault((row["day"], None), []).append(row)
        groups.setdefault((row["day"], row["source"]), []).append(row)
    order = sorted(groups, key=lambda key: (key[0], key[1] is not None, key[1] or ""))
    return [_row(day, source, groups[day, source], usual, expected) for day, source in order]


def plain(type: str) -> str:
    """A type without case, dashes, dots and spaces: `Quiz-Done` and `quiz_done` are one."""
    return "".join(letter for letter in type.casefold() if letter.isalnum()) or type


def _usual(found: Found) -> dict[str, str]:
    """How each type is usually spelled, by its plain form: as most events do, of equals the first of the alphabet."""
    counts: Counter[str] = Counter()
    for row in found:
        if not row["reason"]:
            counts[row["type"]] += row["events"]
    usual: dict[str, str] = {}
    for type in sorted(counts, key=lambda type: (-counts[type], type)):
        usual.setdefault(plain(type), type)
    return usual


def _row(day: date, source: str | None, found: Found, usual: dict[str, str], expected: Sequence[str]) -> DayQuality:
    taken = [_with_source(row, expected) for row in found if not row["reason"]]
    sums = Counter[str]()
    for row in taken:
        sums.update({name: value for name, value in row.items() if isinstance(value, int)})
    odd = [row for row in taken if usual[plain(row["type"])] != row["type"]]
    lost = Counter[str]()
    for row in found:
        if row["reason"]:
            lost[row["reason"]] += row["events"]
    duplicates, events = lost.pop(DUPLICATE, 0), sums["events"]
    refused = sum(lost.values())
    wrong = sums["contradictory"] + sum(row["events"] - row["contradictory"] for row in odd)
    shares = {
        "validity": _share(events - sums["invalid"], events + refused),
        "completeness": _share(sums["should"] - sum(sums[name] for name in MISSING), sums["should"]),
        "timeliness": _share(sums["sent"] - sums["late"], sums["sent"]),
        "uniqueness": _share(events, events + duplicates),
        "consistency": _share(events - wrong, events),
    }
    measured = [share for share in shares.values() if share is not None]
    score = sum(measured) / len(measured) if measured else None
    lowered = [*_refusals(lost, duplicates), *_flaws(sums), *_by_type(taken, odd)]
    lowered.sort(key=lambda one: (-one.events, one.dimension, one.reason, one.detail))
    counts = {"events": events, "refused": refused, "duplicates": duplicates}
    return DayQuality(day=day, source=source, **counts, **shares, score=score, lowered_by=lowered[:MOST_REASONS])


def _with_source(row: dict[str, Any], expected: Sequence[str]) -> dict[str, Any]:
    """A row with how many of its events have no source, and how many values they should have."""
    wanted = set(expected) | ({"content"} if row["of_content"] else set())
    should = len(wanted) + (row["type"] == "quiz_completion")
    missing = row["events"] if "source" in expected and not row["source"] else 0
    return row | {"no_source": missing, "should": should * row["events"], "of_content": None}


def _share(part: int, whole: int) -> Share:
    return 100 * part / whole if whole else None


def _refusals(lost: Counter[str], duplicates: int) -> Iterator[Lowering]:
    for reason, events in lost.items():
        yield Lowering(dimension="validity", reason=reason, detail="", events=events)
    if duplicates:
        yield Lowering(dimension="uniqueness", reason=DUPLICATE, detail="", events=duplicates)


def _flaws(sums: Counter[str]) -> Iterator[Lowering]:
    by_dimension: dict[Dimension, tuple[str, ...]] = {
        "completeness": MISSING,
        "timeliness": ("late",),
        "consistency": CONTRADICTIONS,
    }
    for dimension, names in by_dimension.items():
        for name in names:
            if sums[name]:
                yield Lowering(dimension=dimension, reason=name, detail="", events=sums[name])


def _by_type(taken: Found, odd: Found) -> Iterator[Lowering]:
    invalid, spelled = Counter[str](), Counter[str]()
    for row in taken:
        invalid[row["type"]] += row["invalid"]
    for row in odd:
        spelled[row["type"]] += row["events"]
    for type, events in invalid.items():
        if events:
            yield Lowering(dimension="validity", reason="invalid", detail=type, events=events)
    for type, events in spelled.items():
        yield Lowering(dimension="consistency", reason="spelling", detail=type, events=events)
