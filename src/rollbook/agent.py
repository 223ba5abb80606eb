"""Document 1 in Python: AnalyticsAgent, its nine functions over an embedded Rollbook, and its ConfigLoader."""

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, Self, cast

import msgspec
import yaml
from pydantic import ValidationError

from rollbook.analyses import catalogue
from rollbook.analyses.anomalies import Anomalies
from rollbook.analyses.ask import ask
from rollbook.analyses.learner.intervention import ACTIONS, decide
from rollbook.analyses.learner.measures import Measures, risk_in_hundredths
from rollbook.app import Rollbook
from rollbook.delivery.api.span import span
from rollbook.delivery.exports import Format, Wanted, export
from rollbook.errors import Invalid, NotFound
from rollbook.ingest.intake import Intake
from rollbook.settings import Settings, load
from rollbook.store import Scope, Store

_PLACEHOLDER = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_WHOLE = 10**12

# document 1's keys, and the settings they mean
DOCUMENTED = {"analytics.velocity.window_days": "velocity_window_days"}


class ConfigLoader:
    """A YAML file, asked by dotted keys. `${NAME}` and `${NAME:-default}` in its texts come from the environment.

    `rollbook.data`, `rollbook.timezone` and so on are Rollbook's settings by name.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        """Read the file; None: everything is at its default. Raises Invalid where the file is missing or no YAML."""
        self._values: dict[str, Any] = {} if path is None else _read(Path(path))

    def get(self, key: str, default: Any = None) -> Any:
        """The value under a dotted key, as `analytics.velocity.window_days`."""
        value: Any = self._values
        for name in key.split("."):
            if not isinstance(value, dict) or name not in value:
                return default
            value = value[name]
        return value

    def settings(self) -> Settings:
        """Rollbook's settings: the environment's, and what the file says on top. Raises Invalid."""
        own = self.get("rollbook") or {}
        if unknown := sorted(set(own) - Settings.model_fields.keys()):
            raise Invalid(f"config: rollbook.{unknown[0]} is no setting; there are: {', '.join(Settings.model_fields)}")
        given = {setting: found for key, setting in DOCUMENTED.items() if (found := self.get(key)) is not None}
        return load(**(own | given))


class Book(Protocol):
    """What an agent works on: an open Rollbook."""

    store: Store
    intake: Intake


class AnalyticsAgent:
    """Document 1's nine functions. It opens the data folder itself, or works on an open Rollbook (`book`).

    Errors are those of `rollbook.errors`. Where a user has never been seen, NotFound says so.
    """

    def __init__(
        self,
        config: ConfigLoader | str | Path | None = None,
        *,
        book: Book | None = None,
        tenant: str = "default",
    ) -> None:
        self.config = config if isinstance(config, ConfigLoader) else ConfigLoader(config)
        self.tenant = tenant
        self._own = Rollbook(self.config.settings()) if book is None else None
        self._book: Book = book if book is not None else cast(Rollbook, self._own)

    def close(self) -> None:
        """Give the data folder back, if the agent opened it."""
        if self._own is not None:
            self._own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ingest_event(self, event: Mapping[str, Any]) -> None:
        """Take one event in: `event_type, user_id, timestamp, metadata`, and an `event_id` to count it once.

        When it returns, the event is on disk. Raises Invalid where the event is.
        """
        receipt = self._book.intake.take_now(msgspec.json.encode(event), "agent", self.tenant)
        if receipt.rejected:
            raise Invalid(f"the event is not valid: {receipt.rejected[0].detail}")

    def calculate_retention(
        self, user_cohort: Sequence[str] | None = None, period: int = 7, *, cohort: Sequence[str] | None = None
    ) -> float:
        """Share of the cohort (default: everyone ever seen) active in the last `period` x 24 hours, 0 to 1."""
        users = list(user_cohort or cohort or ()) or None
        return float(self._ask("retention", period=period, users=users)["retention_rate"])

    def analyze_engagement(self, user_id: str, time_window: str = "7d") -> dict[str, Any]:
        """Engagement of a user in a window like `7d`."""
        found = self._ask("engagement", user=user_id, window=time_window)
        return found | {"completion_rate": found["content_completion_rate"]}

    def predict_dropout_risk(self, user_id: str, features: Mapping[str, float] | None = None) -> float:
        """Dropout risk by the documented rule, 0 to 1.

        `features` (`days_since_last_login, completion_rate, quiz_performance`) stand for what is known of the user;
        one that is left out adds no risk.
        """
        if features is not None:
            return _risk_of(features)
        risk = self._ask("dropout_risk", user=user_id)["dropout_risk"]
        if risk is None:
            raise NotFound(f"no events of user {user_id!r}, so there is no risk to tell")
        return float(risk)

    def detect_anomalies(self, metric: str, window: str = "7d") -> list[dict[str, Any]]:
        """An anomaly, or none: a metric's last period against those before it; see `rollbook.analyses.anomalies`."""
        try:
            asked = Anomalies(metric=metric, window=window)
        except ValidationError as error:
            raise Invalid(f"metric {metric!r}, window {window!r}: write a window as 7d or 24h") from error
        return [row.model_dump() for row in ask(self._book.store, asked, self.tenant).rows]

    def generate_cohort_analysis(self, cohort_date: str | date) -> dict[str, Any]:
        """Retention of the users whose first event ever fell on the day; `day_N` is None until day N has ended."""
        found = self._ask("cohort_analysis", cohort_date=cohort_date)
        return found | {"cohort_date": found["cohort_date"].isoformat()}

    def calculate_learning_velocity(self, user_id: str) -> float:
        """Concepts mastered a day, over `analytics.velocity.window_days`."""
        days = self._book.store.settings.velocity_window_days
        return float(self._ask("learning_velocity", user=user_id, days=days)["learning_velocity"])

    def recommend_intervention(self, user_id: str, metrics: Mapping[str, float] | None = None) -> dict[str, Any]:
        """What would help: `intervention, priority, reason, actions`.

        `metrics` (`dropout_risk, engagement_score, quiz_performance`) stand for what is known of the user.
        """
        if metrics is None:
            return self._ask("intervention", user=user_id)
        risk, score = metrics.get("dropout_risk"), metrics.get("quiz_performance")
        hundredths = None if risk is None else cast(int, round(risk * 100, 9))
        intervention, priority, reason = decide(
            hundredths, metrics.get("engagement_score", 1.0), None if score is None else round(score * 100, 9)
        )
        return {
            "user_id": user_id,
            "intervention": intervention,
            "priority": priority,
            "reason": reason,
            "actions": list(ACTIONS[intervention]),
        }

    def export_metrics(
        self,
        format: Format,
        start_date: datetime | str,
        end_date: datetime | str,
        metrics: Sequence[str] | None = None,
    ) -> bytes:
        """The events of the time, and metrics by name, as one file: `json`, `csv` or `excel`."""
        zone = self._book.store.zone_of(self.tenant)
        start, end = (one if isinstance(one, str) else one.isoformat() for one in (start_date, end_date))
        begin, until = span(start, end, now=datetime.now(UTC), zone=zone, days=1)
        wanted = Wanted(Scope(self.tenant, until, begin, zone), metrics=tuple(metrics or ()))
        return b"".join(export(self._book.store, wanted, format).pieces)

    def _rows(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        given = {key: value for key, value in parameters.items() if value is not None}
        return [row.model_dump() for row in ask(self._book.store, catalogue.question(name, given), self.tenant).rows]

    def _ask(self, name: str, **parameters: Any) -> dict[str, Any]:
        return self._rows(name, **parameters)[0]


def _risk_of(features: Mapping[str, float]) -> float:
    """The rule of the question, over given features."""
    now = datetime.now(UTC)
    completion, quizzes = features.get("completion_rate"), features.get("quiz_performance")
    measures = Measures(
        last=now - timedelta(days=features.get("days_since_last_login", 0)),
        sessions=0, seconds=0.0, started=0, completed=0, score=None, concepts=0,
        started_ever=0 if completion is None else _WHOLE,
        completed_ever=0 if completion is None else round(completion * _WHOLE),
        score_ever=None if quizzes is None else round(quizzes * 100, 9),
    )  # fmt: skip
    return cast(int, risk_in_hundredths(measures, now)) / 100


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise Invalid(f"config file {path}: {error.strerror}; name another, or None for the defaults") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"config file {path} is no YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise Invalid(f"config file {path} must hold keys and values, not {type(values).__name__}")
    return {name: _filled(value) for name, value in values.items()}


def _filled(value: Any) -> Any:
    """The value with its placeholders filled; a text that is one placeholder takes the type of what fills it."""
    if isinstance(value, dict):
        return {name: _filled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner) for inner in value]
    if not isinstance(value, str):
        return value
    filled = _PLACEHOLDER.sub(lambda found: os.environ.get(found[1], found[2] or ""), value)
    return yaml.safe_load(filled) if _PLACEHOLDER.fullmatch(value) else filled
