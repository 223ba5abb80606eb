"""The metrics that an export can hold beside the events, each a table made from a question's answers."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from rollbook.analyses.active_users import ActiveUsers
from rollbook.analyses.ask import ask
from rollbook.analyses.event_distribution import EventDistribution
from rollbook.analyses.learner.learner_metrics import MetricsOfLearner
from rollbook.analyses.learner.learners import Learners
from rollbook.analyses.question import Question
from rollbook.analyses.retention import Retention
from rollbook.analyses.totals import Totals
from rollbook.delivery.tables import Table
from rollbook.errors import Invalid
from rollbook.governance.grants import Grant
from rollbook.store import Store

RETENTION_PERIODS = (1, 7, 14, 30, 90)
LEARNERS_AT_ONCE = 20_000
MOST_DAYS = 3660
MOST_DAYS_OF_ACTIVE_USERS = 366

TEXT, WHOLE, REAL, DAY = pa.string(), pa.int64(), pa.float64(), pa.date32()
Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Period:
    """Whose metrics and of when: up to `until`, over the days since `begin`."""

    store: Store
    grant: Grant
    begin: datetime
    until: datetime

    @property
    def days(self) -> int:
        """The days of the period, begun ones too."""
        return min(MOST_DAYS, max(1, -(-(self.until - self.begin) // timedelta(days=1))))

    def ask(self, question: Question[Any]) -> list[dict[str, Any]]:
        """The rows of an answer."""
        return [row.model_dump() for row in ask(self.store, question, self.grant).rows]

    def learners(self) -> Iterator[list[MetricsOfLearner]]:
        """The metrics of everyone seen by `until`, some thousands at a time."""
        people = ask(self.store, Totals(as_of=self.until), self.grant).rows[0].people
        parts = max(1, -(-people // LEARNERS_AT_ONCE))
        for part in range(parts):
            velocity_days = self.store.settings.velocity_window_days
            asked = Learners(window=self.days, days=velocity_days, part=part, parts=parts, as_of=self.until)
            yield ask(self.store, asked, self.grant).rows


def _engagement(period: Period) -> Iterator[Rows]:
    for learners in period.learners():
        yield ({"user_id": one.user_id} | one.engagement.model_dump() for one in learners)


def _dropout_risk(period: Period) -> Iterator[Rows]:
    for learners in period.learners():
        yield (one.model_dump(include={"user_id", "dropout_risk", "risk_level"}) for one in learners)


def _learning_velocity(period: Period) -> Iterator[Rows]:
    for learners in period.learners():
        yield (one.model_dump(include={"user_id", "learning_velocity"}) for one in learners)


def _retention(period: Period) -> Iterator[Rows]:
    periods = sorted({*RETENTION_PERIODS, period.days})
    yield itertools.chain.from_iterable(period.ask(Retention(period=n, as_of=period.until)) for n in periods)


def _active_users(period: Period) -> Iterator[Rows]:
    days = min(MOST_DAYS_OF_ACTIVE_USERS, period.days)
    yield period.ask(ActiveUsers(days=days, as_of=period.until))


def _event_distribution(period: Period) -> Iterator[Rows]:
    yield period.ask(EventDistribution(days=period.days, as_of=period.until))


# name: its columns, and its rows in blocks
METRICS: dict[str, tuple[dict[str, pa.DataType], Callable[[Period], Iterator[Rows]]]] = {
    "engagement": (
        {
            "user_id": TEXT,
            "engagement_score": REAL,
            "session_count": WHOLE,
            "total_time_spent": REAL,
            "content_completion_rate": REAL,
            "quiz_performance": REAL,
        },
        _engagement,
    ),
    "retention": (
        {"period_days": WHOLE, "retention_rate": REAL, "cohort_size": WHOLE, "active_users": WHOLE},
        _retention,
    ),
    "dropout_risk": ({"user_id": TEXT, "dropout_risk": REAL, "risk_level": TEXT}, _dropout_risk),
    "learning_velocity": ({"user_id": TEXT, "learning_velocity": REAL}, _learning_velocity),
    "active_users": ({"day": DAY, "dau": WHOLE, "wau": WHOLE, "mau": WHOLE, "stickiness": REAL}, _active_users),
    "event_distribution": ({"type": TEXT, "events": WHOLE}, _event_distribution),
}


def metric_table(name: str, period: Period) -> Table:
    """One metric as a table. Raises Invalid with the names there are."""
    if name not in METRICS:
        raise Invalid(f"no metric {name!r} to export; there are: {', '.join(METRICS)}")
    columns, rows = METRICS[name]
    schema = pa.schema(columns.items())
    return Table(name, tuple(columns), (pa.Table.from_pylist(list(block), schema) for block in rows(period)))
