"""Document 1 in Python: the nine functions, and the ConfigLoader."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollbook import AnalyticsAgent, ConfigLoader
from rollbook.errors import Invalid, NotFound
from rollbook.ingest.intake import Intake
from rollbook.store import Store
from tests.stories import happened, tell


@dataclass
class Opened:
    """A store that is open already, and its way in."""

    store: Store
    intake: Intake


@pytest.fixture(scope="module")
def intake(store: Store) -> Iterator[Intake]:
    """A way into the shared store."""
    opened = Intake(store)
    yield opened
    opened.close()


@pytest.fixture
def agent(store: Store, intake: Intake, tenant: str) -> AnalyticsAgent:
    """An agent for a fresh tenant."""
    return AnalyticsAgent(book=Opened(store, intake), tenant=tenant)


def ago(**time: float) -> str:
    """So long before now, without a zone, as the document writes it."""
    return (datetime.now(UTC) - timedelta(**time)).replace(tzinfo=None).isoformat()


def test_the_documents_own_example(agent: AnalyticsAgent) -> None:
    for i in range(10):
        agent.ingest_event(
            {"event_type": "session_start", "user_id": f"user_{i}", "timestamp": ago(seconds=1 if i < 4 else 200_000)}
        )
    assert agent.calculate_retention(period=1) == 0.4
    assert agent.calculate_retention(["user_0", "user_9"], 1) == 0.5
    assert agent.calculate_retention(cohort=["user_0"], period=1) == 1.0
    assert agent.calculate_retention(["user_0"], 7) == 1.0


def test_an_event_is_counted_once(agent: AnalyticsAgent) -> None:
    event = {"event_type": "session_start", "user_id": "ada", "event_id": "once", "metadata": {"duration": 60}}
    agent.ingest_event(event)
    agent.ingest_event(event)
    assert agent.analyze_engagement("ada", "7d")["session_count"] == 1


def test_an_event_that_is_none_is_refused(agent: AnalyticsAgent) -> None:
    with pytest.raises(Invalid):
        agent.ingest_event({"user_id": "ada"})


def test_engagement_velocity_and_risk(agent: AnalyticsAgent) -> None:
    for n in range(7):
        agent.ingest_event(
            {
                "event_type": "quiz_completion",
                "user_id": "ada",
                "timestamp": ago(days=n, minutes=1),
                "metadata": {"concept_id": f"concept {n}", "score": 90 if n else 20, "duration": 900},
            }
        )
    found = agent.analyze_engagement("ada", "7d")
    # 0.2 x 560/700 + 0.2 x 6300/12600
    assert found["engagement_score"] == pytest.approx(0.2 * 0.8 + 0.2 * 0.5)
    assert found["completion_rate"] == found["content_completion_rate"] == 0
    assert agent.calculate_learning_velocity("ada") == pytest.approx(6 / 7)
    assert agent.predict_dropout_risk("ada") == 0
    assert agent.recommend_intervention("ada")["intervention"] == "engagement_boost"


def test_nothing_is_told_of_somebody_never_seen(agent: AnalyticsAgent) -> None:
    with pytest.raises(NotFound):
        agent.predict_dropout_risk("nobody")


@pytest.mark.parametrize(
    ("features", "risk"),
    [
        ({"days_since_last_login": 31, "completion_rate": 0.29, "quiz_performance": 0.39}, 1.0),
        ({"days_since_last_login": 30, "completion_rate": 0.3, "quiz_performance": 0.4}, 0.5),
        ({"days_since_last_login": 31, "completion_rate": 0.49, "quiz_performance": 0.59}, 0.7),
        ({"days_since_last_login": 7, "completion_rate": 0.5, "quiz_performance": 0.6}, 0.0),
        ({"days_since_last_login": 8}, 0.1),
    ],
)
def test_risk_of_given_features(agent: AnalyticsAgent, features: dict[str, float], risk: float) -> None:
    assert agent.predict_dropout_risk("anyone", features) == risk


@pytest.mark.parametrize(
    ("metrics", "intervention", "priority", "reason"),
    [
        ((0.71, 0.9, 0.9), "tutoring", "high", "High dropout risk (0.71)"),
        ((0.7, 0.29, 0.9), "engagement_boost", "high", "Low engagement (0.29)"),
        ((0.7, 0.3, 0.49), "additional_practice", "medium", "Low quiz performance (0.49)"),
        ((0.7, 0.3, 0.5), "none", "low", "Performance within normal range"),
    ],
)
def test_interventions_for_given_metrics(
    agent: AnalyticsAgent, metrics: tuple[float, ...], *, intervention: str, priority: str, reason: str
) -> None:
    given = dict(zip(("dropout_risk", "engagement_score", "quiz_performance"), metrics, strict=True))
    found = agent.recommend_intervention("anyone", given)
    assert (found["intervention"], found["priority"], found["reason"]) == (intervention, priority, reason)
    assert bool(found["actions"]) == (intervention != "none")


def test_an_anomaly_is_over_three_standard_deviations(store: Store, agent: AnalyticsAgent) -> None:
    # 8, 12, 8, 12 … a day for ten days: mean 10, deviation 2; then 17 on the last, 3.5 deviations away
    counts = [17, *([8, 12] * 5)]
    told = [
        happened("view", f"u{i}", at=ago(days=day, minutes=5 + i)) for day, n in enumerate(counts) for i in range(n)
    ]
    tell(store, agent.tenant, told)
    for metric in ("view", "events", "active_users"):
        (found,) = agent.detect_anomalies(metric, "10d")
        assert found["metric"] == metric
        assert (found["value"], found["expected_mean"], found["z_score"]) == (17, 10, 3.5)
        assert found["severity"] == "medium"
    assert agent.detect_anomalies("never", "10d") == []


def test_no_anomaly_at_three_deviations_or_without_any(store: Store, agent: AnalyticsAgent) -> None:
    counts = [16, *([8, 12] * 5)]
    tell(
        store,
        agent.tenant,
        [happened("view", at=ago(days=d, minutes=5)) for d, n in enumerate(counts) for _ in range(n)],
    )
    assert agent.detect_anomalies("view", "10d") == []
    # the same every hour: no deviation
    tell(store, agent.tenant, [happened("tick", at=ago(hours=hour, minutes=5)) for hour in range(1, 25)])
    assert agent.detect_anomalies("tick", "24h") == []
    with pytest.raises(Invalid, match="7d or 24h"):
        agent.detect_anomalies("view", "soon")


def test_cohorts(store: Store, agent: AnalyticsAgent) -> None:
    first = [happened("content_view", user, at="2026-02-01T10:00") for user in "ab"]
    tell(store, agent.tenant, [*first, happened("content_view", "a", at="2026-02-09T10:00")])
    assert agent.generate_cohort_analysis("2026-02-01") == {
        "cohort_date": "2026-02-01",
        "cohort_size": 2,
        "retention": {"day_1": 0.5, "day_7": 0.5, "day_14": 0.0, "day_30": 0.0, "day_90": 0.0},
    }


def test_exports(store: Store, agent: AnalyticsAgent) -> None:
    tell(store, agent.tenant, [happened("content_view", at="2026-02-01T10:00", id="one")])
    start, end = datetime(2026, 2, 1), datetime(2026, 2, 28)
    (event,) = json.loads(agent.export_metrics("json", start, end))
    assert (event["event_id"], event["timestamp"]) == ("one", "2026-02-01T10:00:00.000Z")
    assert agent.export_metrics("csv", "2026-02-02", "2026-02-03").count(b"\n") == 1
    assert agent.export_metrics("excel", start, end, ["engagement"]).startswith(b"PK")


def test_dotted_keys_and_placeholders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        """
        analytics: {velocity: {window_days: 14}}
        alerting:
          enabled: true
          rules: [{name: High Dropout Risk, condition: "dropout_risk > 0.7"}]
          channels: {slack: {webhook_url: "https://hooks/${SLACK_TOKEN}"}}
        rollbook: {data: "${SOME_FOLDER:-here}", port: "${SOME_PORT:-8020}"}
        """
    )
    monkeypatch.setenv("SLACK_TOKEN", "abc")
    config = ConfigLoader(file)
    assert config.get("analytics.velocity.window_days", 7) == 14
    assert config.get("alerting.channels.slack.webhook_url") == "https://hooks/abc"
    assert config.get("alerting.rules")[0]["name"] == "High Dropout Risk"
    assert config.get("alerting.channels.email.smtp_server") is None
    assert config.get("analytics.velocity.window_days.more", "none") == "none"
    settings = config.settings()
    assert (settings.velocity_window_days, settings.data, settings.port) == (14, Path("here"), 8020)


def test_without_a_file_everything_is_at_its_default() -> None:
    assert ConfigLoader(None).get("analytics.velocity.window_days", 7) == 7


@pytest.mark.parametrize(("text", "says"), [(None, "No such file"), ("- a", "keys and values"), ("a: [", "no YAML")])
def test_a_config_file_that_cannot_be_read_is_an_error(tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "config.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(Invalid, match=says):
        ConfigLoader(str(file))


def test_a_setting_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("rollbook: {colour: blue}")
    with pytest.raises(Invalid, match="colour is no setting"):
        ConfigLoader(tmp_path / "config.yaml").settings()


def test_it_opens_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        f"analytics: {{velocity: {{window_days: 14}}}}\nrollbook: {{data: {tmp_path}/d}}"
    )
    program = f"""
from rollbook import AnalyticsAgent, ConfigLoader
event = {{"event_type": "quiz_completion", "user_id": "ada", "event_id": "1", "metadata": {{"score": 85}}}}
for _ in range(2):
    with AnalyticsAgent(ConfigLoader({str(tmp_path / "config.yaml")!r})) as agent:
        agent.ingest_event(event)
        print(round(agent.calculate_learning_velocity("ada") * 14, 6), agent.calculate_retention(period=1))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n") == ["1.0 1.0", "1.0 1.0", ""], done.stderr


def test_importing_rollbook_loads_no_engine() -> None:
    program = "import sys, rollbook; print(rollbook.__version__, 'chdb' in sys.modules, 'fastapi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.split()[1:] == ["False", "False"], done.stderr
