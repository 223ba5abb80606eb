"""Shared: what Redis keeps for a moment, counters of calls, tickets and published events, without a person."""

import json
from collections.abc import Sequence
from typing import Any

import redis
from redis.exceptions import RedisError

from rollbook.errors import Unavailable
from rollbook.settings import Settings
from rollbook.store.erasing import finder
from rollbook.store.records.holdings import Known
from rollbook.store.sharing import History
from rollbook.store.sharing.history import read

PREFIX = "rollbook:*"
TIMEOUT_SECONDS = 5


def forget(url: str, words: Sequence[str]) -> int:
    """Remove every key of Rollbook's that names somebody by one of the words; how many. Raises Unavailable.

    One too many does no harm: a counter begins again, a ticket is asked for again.
    """
    credentials = [f"token:{word}".encode() for word in words]
    texts = [json.dumps(word, ensure_ascii=ascii).encode() for word in words for ascii in (True, False)]
    try:
        with redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS) as client:
            keys: Any = client.scan_iter(PREFIX, count=1000)
            found = [key for key in keys if any(name in key for name in credentials) or _names(client, key, texts)]
            for key in found:
                client.delete(key)
    except RedisError as error:
        raise Unavailable(f"Redis does not answer, and may still name somebody who is erased: {error}") from error
    return len(found)


def forget_events(settings: Settings, tenant: str, known: Known) -> int:
    """Remove every published event that is of somebody, or names them; how many entries. Raises Unavailable."""
    if not settings.redis:
        return 0
    wanted, users = finder(known.words), set(known.users)

    def is_of_them(text: bytes) -> bool:
        entry = read(text)
        return (entry is not None and entry.user_id in users) or bool(wanted.search(text.decode("utf-8", "replace")))

    history = History(settings.redis, theirs=settings.redis_tenant, most=settings.redis_history_events)
    try:
        return history.forget(tenant, is_of_them)
    except (RedisError, OSError) as error:
        raise Unavailable(f"Redis does not answer, and may still hold events of who is erased: {error}") from error
    finally:
        history.close()


def _names(client: Any, key: bytes, texts: Sequence[bytes]) -> bool:
    value = client.get(key) if client.type(key) == b"string" else None
    return value is not None and any(text in value for text in texts)
