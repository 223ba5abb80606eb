"""Settings: every name of the five documents is honoured, and the page about them does not lag."""

from pathlib import Path

import pytest

from rollbook.cli.reference import PAGES
from rollbook.errors import Invalid
from rollbook.settings import LATER, WITHOUT_MEANING, Settings, ignored, load, names_of

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"

# every variable in an environment block of the five documents
DOCUMENTED = """
REDIS_HOST REDIS_PORT REDIS_DB REDIS_PASSWORD ANALYTICS_EVENT_RETENTION_DAYS ANALYTICS_BATCH_SIZE
ANALYTICS_FLUSH_INTERVAL PORT NODE_ENV DB_HOST DB_PORT DB_NAME DB_USER DB_PASSWORD KAFKA_BROKERS KAFKA_TOPICS
REAL_TIME_LAG_THRESHOLD DATA_RETENTION_DAYS ML_MODEL_UPDATE_INTERVAL PREDICTION_CONFIDENCE_THRESHOLD DATABASE_URL
JWT_SECRET_KEY CELERY_BROKER_URL CELERY_RESULT_BACKEND MAX_BATCH_SIZE RATE_LIMIT_PER_MINUTE EVENT_RETENTION_DAYS
METRICS_RETENTION_DAYS LOG_LEVEL SERVICE_NAME HTTP_PORT TIMESCALE_URI REDIS_URL KAFKA_CONSUMER_GROUP
KAFKA_AUTO_OFFSET_RESET STREAM_PROCESSING_THREADS BATCH_SIZE WINDOW_RETENTION_HOURS ML_MODEL_PATH FEATURE_STORE_PATH
MODEL_UPDATE_FREQUENCY QUERY_CACHE_TTL_SECONDS MAX_QUERY_EXECUTION_TIME_MS PARALLEL_QUERY_LIMIT
HOT_DATA_RETENTION_DAYS WARM_DATA_RETENTION_DAYS COLD_DATA_RETENTION_DAYS POSTGRES_HOST POSTGRES_PASSWORD
"""


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        for variable in names_of(name):
            monkeypatch.delenv(variable, raising=False)


def test_every_name_of_the_documents_has_its_place() -> None:
    placed = {name for setting in Settings.model_fields for name in names_of(setting)}
    assert set(DOCUMENTED.split()) - placed - LATER.keys() - WITHOUT_MEANING.keys() == set()
    assert placed & (LATER.keys() | WITHOUT_MEANING.keys()) == set()


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_made_from_the_code_do_not_lag(page: str) -> None:
    assert (REFERENCE / page).read_text("utf-8") == PAGES[page](), "run `make docs`"


def test_the_first_name_wins_and_an_option_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().port == 8011
    monkeypatch.setenv("HTTP_PORT", "8006")
    assert load().port == 8006
    monkeypatch.setenv("PORT", "3007")
    assert load().port == 3007
    monkeypatch.setenv("ROLLBOOK_PORT", "")
    assert load().port == 3007
    assert load(port=1234).port == 1234
    assert load(port=None).port == 3007


@pytest.mark.parametrize("text", ["debug", "Debug", " DEBUG "])
def test_the_log_level_in_any_case(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", text)
    assert load().log_level == "DEBUG"


def test_a_wrong_value_is_told_by_the_name_that_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENT_RETENTION_DAYS", "0")
    with pytest.raises(Invalid, match=r"setting EVENT_RETENTION_DAYS: .* not '0'"):
        load()


def test_redis_may_be_named_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().redis is None
    monkeypatch.setenv("REDIS_HOST", "cache")
    monkeypatch.setenv("REDIS_PASSWORD", "p@ss")
    assert load().redis == "redis://:p%40ss@cache:6379/0"
    monkeypatch.setenv("REDIS_URL", "rediss://whole:6380/1")
    assert load().redis == "rediss://whole:6380/1"


@pytest.mark.parametrize(("name", "value"), [("REDIS_URL", "cache:6379"), ("TRUSTED_PROXIES", "10.0.0.0/8, proxy")])
def test_addresses_that_cannot_be_are_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Invalid, match=f"setting {name}"):
        load()


def test_postgresql_may_be_named_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_HOST", "records")
    monkeypatch.setenv("DB_PASSWORD", "p@ss/word")
    assert load().database_url == "postgresql://postgres:p%40ss%2Fword@records:5432/learning_analytics"
    monkeypatch.setenv("DATABASE_URL", "postgresql://whole")
    assert load().database_url == "postgresql://whole"


def test_what_nothing_acts_on_yet_is_told() -> None:
    environment = {
        "ML_MODEL_PATH": "models",
        "FEATURE_STORE_PATH": "features",
        "PORT": "1",
        "KAFKA_BROKERS": "",
        "HOME": "/",
    }
    assert ignored(environment) == ["FEATURE_STORE_PATH", "ML_MODEL_PATH"]
