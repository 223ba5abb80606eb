"""Tiles: what the overview shows, in order: the question behind each tile, and what it says in one sentence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rollbook.analyses.active_users import ActiveUsers
from rollbook.analyses.activity_heatmap import ActivityHeatmap
from rollbook.analyses.event_distribution import EventDistribution
from rollbook.analyses.events_by_day import EventsByDay
from rollbook.analyses.question import Question
from rollbook.analyses.retention_curve import RetentionCurve

Rows = Sequence[Any]

WEEK = 7
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


@dataclass(frozen=True, slots=True)
class Tile:
    """One chart of the page.

    `says` gets rows that are not all empty; `counts` is a field that is 0 or null in empty ones, the first `skipped`
    rows do not count. `height`, `unfinished`, `weight` and `series` are those of `dressing.dressed`.
    """

    title: str
    question: type[Question[Any]]
    says: Callable[[Rows], str]
    counts: str
    nothing: str
    wide: bool = False
    height: int = 264
    unfinished: bool = False
    weight: str | None = None
    series: Mapping[str, str] | None = None
    whole_weeks: bool = False
    skipped: int = 0

    @property
    def name(self) -> str:
        """The question's name."""
        return self.question.name()

    def days(self, days: int) -> int:
        """How many days the question is asked about, in a range of so many."""
        return max(WEEK, days // WEEK * WEEK) if self.whole_weeks else days

    def is_empty(self, rows: Rows) -> bool:
        """Whether there is nothing to draw."""
        return not any(getattr(row, self.counts) for row in rows[self.skipped :])


def active_users(rows: Rows) -> str:
    """Most people on a day, and how many of a month's people come on an average day."""
    most = max(rows, key=lambda row: row.dau)
    sticky = [row.stickiness for row in rows if row.stickiness is not None]
    mean = sum(sticky) / len(sticky)
    return f"Most on {short(most.day)}: {most.dau:,}. On an average day {percent(mean)} of a month\u2019s people come."


def events_by_day(rows: Rows) -> str:
    """The mean, and the busiest day."""
    most = max(rows, key=lambda row: row.events)
    mean = sum(row.events for row in rows) / len(rows)
    return f"{mean:,.{0 if mean >= 10 else 1}f} a day on average; most on {short(most.day)}: {most.events:,}."


def retention_curve(rows: Rows) -> str:
    """How many come back the next day, and a week later; the far end is left out, few people reach it."""
    known = {row.n: row.share for row in rows if row.share is not None}
    later = WEEK if WEEK in known else max(known)
    back = f"{percent(known[1])} of new people come back the next day or later"
    return f"{back}, {percent(known[later])} after {later} days." if later > 1 else f"{back}."


def activity_heatmap(rows: Rows) -> str:
    """The busiest hour."""
    most = max(rows, key=lambda row: row.events)
    until = (most.hour + 1) % 24
    return f"Busiest: {WEEKDAYS[most.weekday - 1]}, {most.hour:02}:00 to {until:02}:00."


def event_distribution(rows: Rows) -> str:
    """The most frequent type and its share, and how many types are not drawn."""
    total = sum(row.events for row in rows)
    types = f"{len(rows)} types" if len(rows) > 1 else "1 type"
    return f"{percent(rows[0].events / total)} are {rows[0].type}; {types} in all."


def short(day: date) -> str:
    """2 Mar."""
    return f"{day.day} {day:%b}"


def percent(share: float) -> str:
    """62 %, or 4.2 % where that is what tells."""
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


TILES = (
    Tile(
        title="Active users",
        question=ActiveUsers,
        says=active_users,
        counts="mau",
        nothing="Nobody was active in these days.",
        wide=True,
        height=300,
        unfinished=True,
        series={"dau": "Daily", "wau": "Weekly", "mau": "Monthly"},
    ),
    Tile(
        title="Events by day",
        question=EventsByDay,
        says=events_by_day,
        unfinished=True,
        counts="events",
        nothing="No events in these days.",
    ),
    Tile(
        title="Retention of new people",
        question=RetentionCurve,
        says=retention_curve,
        counts="people",
        skipped=1,
        weight="people",
        nothing="Nobody came for the first time in these days, or their next day is not over yet.",
    ),
    Tile(
        title="Activity by hour of the week",
        question=ActivityHeatmap,
        says=activity_heatmap,
        counts="events",
        nothing="No events in these days.",
        whole_weeks=True,
    ),
    Tile(
        title="Events by type",
        question=EventDistribution,
        says=event_distribution,
        counts="events",
        nothing="No events in these days.",
    ),
)
