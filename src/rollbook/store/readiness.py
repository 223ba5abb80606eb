"""Readiness: whether the store answers now."""

from collections.abc import Callable

from rollbook.errors import RollbookError
from rollbook.store.store import Store


def check(store: Store) -> dict[str, str]:
    """Each part of the store: `ok`, or what is wrong with it."""
    parts: dict[str, Callable[[], object]] = {
        "events": lambda: store.engine.query("select 1 as answers"),
        "records": lambda: store.records.tenant("default"),
    }
    return {name: _tried(part) for name, part in parts.items()}


def _tried(part: Callable[[], object]) -> str:
    try:
        part()
    except RollbookError as error:
        return error.detail
    return "ok"
