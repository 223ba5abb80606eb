"""Answers for those who may see groups, but nobody in them: whole days, no named people, no small cells."""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rollbook.analyses.crowd import Behind, Crowd, Row, with_noise, without_few
from rollbook.analyses.question import Question
from rollbook.errors import Forbidden, Invalid
from rollbook.governance.cells import Cell
from rollbook.store.scope import MILLISECOND, start_of

WEEK_DAYS = 7
HOURS_A_DAY = 24

Bind = Callable[[str], list[dict[str, Any]]]


def check(question: Question[Any], zone: str, *, perturbed: bool) -> Crowd:
    """The crowd of a question that may be asked about groups. Raises Forbidden or Invalid where it may not."""
    crowd = question.crowd
    if crowd is None or getattr(question, "users", None):
        raise Forbidden(f"{question.name()} is about people one by one; you may ask about groups")
    if question.timezone not in (None, zone):
        raise Invalid(f"groups are counted in the days of {zone}; leave timezone out")
    # where there are days besides, the window is not the period
    if str(getattr(question, "window", "")).endswith("h") and not hasattr(question, "days"):
        raise Invalid("groups are counted in whole days; take a window in days, as 7d")
    if getattr(question, "hours", 0) % HOURS_A_DAY:
        raise Invalid("groups are counted in whole days; take hours in whole days, as 24 or 48")
    if perturbed:
        if question.segment or question.breakdown:
            # groups that differ in one person would let the noise be averaged away
            raise Forbidden("segments and breakdowns are not shown where counts are perturbed")
        _check_weeks(question, crowd)
    return crowd


def _check_weeks(question: Question[Any], crowd: Crowd) -> None:
    """Single days would give away what the noise hides: who came on just one of them."""
    if not crowd.weekly:
        raise Forbidden(f"{question.name()} shows single days, which are not shown where counts are perturbed")
    length = getattr(question, "days", getattr(question, "period", None))
    if length is not None and length % WEEK_DAYS:
        raise Invalid(f"where counts are perturbed, periods are whole weeks: {length} days are not; take 7, 14, 28 …")


def whole(as_of: datetime | None, zone: str, *, perturbed: bool) -> datetime:
    """The end of the last whole day (week, where counts are perturbed) before a moment."""
    today = (as_of or datetime.now(UTC)).astimezone(ZoneInfo(zone)).date()
    if perturbed:
        today -= timedelta(days=today.weekday())
    return start_of(today, zone) - MILLISECOND


def behind(crowd: Crowd, find: Bind) -> Behind:
    """Who stands behind the rows: `find` asks a SQL of the question's scope; it knows `{cells_key:UInt64}`."""
    if not crowd.sql:
        return Behind({}, Cell(0))
    names = "".join(f"{name}, " for name in crowd.keys)
    counted = "count() as people, groupBitXor(sipHash64(person, {cells_key:UInt64})) as code"
    whole = find(f"select {counted} from (select distinct person from ({crowd.sql}))")[0]
    rows = (
        find(f"select {names}{counted} from (select distinct {names}person from ({crowd.sql})) group by {names[:-2]}")
        if crowd.keys
        else []
    )
    return Behind(
        {tuple(row[name] for name in crowd.keys): Cell(row["people"], row["code"]) for row in rows},
        Cell(whole["people"], whole["code"]),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """How cells are hidden: fewer than `smallest` are withheld; `secret`: and the others perturbed."""

    smallest: int
    secret: bytes | None = None


def hidden(rows: Sequence[Any], crowd: Crowd, found: Behind, rule: Rule) -> list[Any]:
    """The rows that may be shown, without what may not."""
    kept: dict[int, Row] = {}
    last: dict[tuple[Any, ...], Row] = {}
    for number, row in enumerate(rows):
        told = without_few(row.model_dump(), crowd, found, rule.smallest)
        if told is None:
            continue
        line = tuple(told[name] for name in crowd.along)
        if line in last and _steps_little(told, last[line], crowd, rule.smallest):
            continue
        kept[number] = last[line] = told
    if crowd.partitions:
        _hide_sums([row.model_dump() for row in rows], kept, crowd, rule.smallest)
    if rule.secret is not None:
        secret, smallest = rule.secret, rule.smallest
        kept = {n: with_noise(row, crowd, found, secret=secret, smallest=smallest) for n, row in kept.items()}
    return [type(rows[number]).model_validate(told) for number, told in sorted(kept.items())]


def _hide_sums(rows: Sequence[Row], kept: dict[int, Row], crowd: Crowd, smallest: int) -> None:
    """Take more rows away until what is withheld of each part of the people is nobody, or not few."""
    count = next(iter(crowd.counts))
    parts: dict[Any, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        for fields in crowd.partitions:
            parts[fields, *(row[name] for name in fields)].append(number)
    before = None
    while before != len(kept):
        before = len(kept)
        for numbers in parts.values():
            shown = sorted((number for number in numbers if number in kept), key=lambda number: rows[number][count])
            withheld = sum(rows[number][count] for number in numbers if number not in kept)
            while shown and 0 < withheld < smallest:
                withheld += rows[shown[0]][count]
                del kept[shown.pop(0)]


def _steps_little(row: Row, before: Row, crowd: Crowd, smallest: int) -> bool:
    """Whether the difference to the row before is a small group itself."""
    return any(0 < abs(row[name] - before[name]) < smallest for name in crowd.falling)
