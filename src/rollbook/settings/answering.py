"""Settings of answers: how long they are kept, and how often live ones are made anew."""

from pydantic import BaseModel

from rollbook.settings.form import named


class AnsweringSettings(BaseModel):
    """Kept and live answers."""

    query_cache_seconds: int = named(
        300,
        "QUERY_CACHE_TTL_SECONDS",
        why="How long the answer to a question about a closed period is kept; 0: nothing is kept, of no kind.",
        documents="5: 300",
        ge=0,
        le=86_400,
    )
    aggregation_cache_seconds: int = named(
        60, "ROLLBOOK_AGGREGATION_CACHE_SECONDS", why="The same for questions that only count.", ge=0, le=86_400
    )
    prediction_cache_seconds: int = named(
        600, "ROLLBOOK_PREDICTION_CACHE_SECONDS", why="The same for questions that look ahead.", ge=0, le=86_400
    )
    cache_bytes: int = named(
        64 << 20, "ROLLBOOK_CACHE_BYTES", why="Most memory that kept answers take; the least used go first.", ge=0
    )
    live_interval_ms: int = named(
        250,
        "ROLLBOOK_LIVE_INTERVAL_MS",
        why="A live question is asked again at most this often, once for all who watch it.",
        ge=10,
        le=1_000,
    )
    live_clients: int = named(2_000, "ROLLBOOK_LIVE_CLIENTS", why="Most live connections of one process.", ge=1)
