"""Logs: structured, on stderr; one JSON object a line, or readable colours where a person looks on."""

import logging
import sys

import structlog
from structlog.types import Processor

from rollbook.settings import Settings

# what libraries say of every request they make or take is of no use at INFO
QUIET = ("httpx", "httpcore", "uvicorn.error", "clickhouse_connect", "urllib3", "alembic")


def start(settings: Settings) -> None:
    """Send every log line, ours and the libraries', to stderr in one form, from `log_level` up."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_written()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.DEBUG if settings.log_level == "DEBUG" else logging.WARNING)


def _written() -> list[Processor]:
    drop = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if sys.stderr.isatty():
        return [drop, structlog.dev.ConsoleRenderer()]
    # without local variables: they hold what learners did, and passwords
    told = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [drop, structlog.processors.ExceptionRenderer(told), structlog.processors.JSONRenderer(ensure_ascii=False)]
