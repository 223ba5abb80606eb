"""History: document 2's structures in Redis, the one place that knows their names and what stands in them.

Of the tenant that is configured as theirs: the channels `analytics:{type}`, the lists `analytics:history:{type}`
(newest first) and the sorted set `analytics:timeline` (by time). Others carry the tenant: `analytics:{tenant}:…`. In a
tenant's or a type's name `:` and `%` are written as %3A and %25, so that none can pass for another's.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa
from redis import Redis

from rollbook.store.scope import DAY

PREFIX = "analytics"
# tenants and types of which anything was published, for those who tidy up
INDEX = "rollbook:analytics:kept"
TIMELINE_TIMES = 10
PAGE = 500
TIMEOUT_SECONDS = 2
# names that stand where a tenant's would
RESERVED = frozenset({"history", "timeline"})
COLUMNS = ("tenant", "id", "type", "user", "timestamp", "received", "session", "content", "properties")


class Published(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event as it is published. `user_id` is as it is stored, the pseudonym where the tenant has them."""

    event_id: str
    event_type: str
    user_id: str
    timestamp: datetime
    received: datetime
    session_id: str = ""
    material_id: str = ""
    properties: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"{}"))
    tenant_id: str = ""


encode = msgspec.json.Encoder().encode
_decode_pair = msgspec.json.Decoder(tuple[str, str]).decode
_decode = msgspec.json.Decoder(Published).decode


def read(text: bytes) -> Published | None:
    """An entry; None: it is none of ours."""
    try:
        return _decode(text)
    except msgspec.DecodeError:
        return None


def published(rows: pa.Table) -> list[Published]:
    """Committed rows as they are published."""
    return [_published(row) for row in rows.select(list(COLUMNS)).to_pylist()]


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one tenant's channels and keys; `is_theirs`: it is the tenant that document 2 means."""

    tenant: str
    is_theirs: bool

    @property
    def root(self) -> str:
        """What all its names begin with."""
        if self.is_theirs:
            return PREFIX
        if self.tenant in RESERVED:
            return f"{PREFIX}:%{ord(self.tenant[0]):02X}{self.tenant[1:]}"
        return f"{PREFIX}:{escaped(self.tenant)}"

    @property
    def timeline(self) -> str:
        """The sorted set of all its events."""
        return f"{self.root}:timeline"

    def channel(self, type: str) -> str:
        """The channel of a type."""
        return f"{self.root}:{escaped(type)}"

    def history(self, type: str) -> str:
        """The list of a type."""
        return f"{self.root}:history:{escaped(type)}"


def escaped(name: str) -> str:
    """A name that cannot pass for two."""
    return name.replace("%", "%25").replace(":", "%3A")


class History:
    """The structures in one Redis. Its methods raise RedisError."""

    def __init__(self, url: str, *, theirs: str = "default", days: int = 7, most: int = 10_000) -> None:
        """`theirs`: the tenant whose names are document 2's. `days`, `most`: how long, how many a list goes back."""
        # its types say that everything may be text, which it is not without decode_responses
        self._redis: Any = Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
        self._theirs = theirs
        self._days = days
        self._most = most

    def names(self, tenant: str) -> Names:
        """The names of a tenant."""
        return Names(tenant, tenant == self._theirs)

    def ping(self) -> None:
        """See whether it answers."""
        self._redis.ping()

    def close(self) -> None:
        """Let Redis go."""
        self._redis.close()

    def publish(self, events: Sequence[Published]) -> None:
        """Put events into their lists and timelines, and tell the channels."""
        pipe = self._redis.pipeline(transaction=False)
        lasting = (self._days + 1) * DAY
        lists: dict[str, list[bytes]] = defaultdict(list)
        timelines: dict[str, dict[bytes, float]] = defaultdict(dict)
        for event in events:
            names, text = self.names(event.tenant_id), encode(event)
            lists[names.history(event.event_type)].append(text)
            timelines[names.timeline][text] = event.timestamp.timestamp()
            pipe.publish(names.channel(event.event_type), text)
        pipe.sadd(INDEX, *{encode((event.tenant_id, event.event_type)) for event in events})
        for key, texts in lists.items():
            pipe.lpush(key, *texts)
            pipe.ltrim(key, 0, self._most - 1)
            pipe.expire(key, lasting)
        for key, members in timelines.items():
            pipe.zadd(key, members)
            pipe.zremrangebyrank(key, 0, -self._most * TIMELINE_TIMES - 1)
            pipe.expire(key, lasting)
        pipe.execute()

    def tenants(self) -> set[str]:
        """Those of whom anything was published."""
        return {tenant for tenant, _ in self._kept()}

    def expire(self, now: datetime, days_of: Callable[[str], int]) -> int:
        """Remove what is older than a tenant's days, or than those of the history; how many entries."""
        removed = 0
        for tenant, types in self._by_tenant().items():
            names, oldest = self.names(tenant), now - min(days_of(tenant), self._days) * DAY
            removed += self._redis.zremrangebyscore(names.timeline, "-inf", f"({oldest.timestamp()}")
            removed += sum(self._cut(names.history(type), oldest) for type in types)
        return removed

    def forget(self, tenant: str, is_gone: Callable[[bytes], bool]) -> int:
        """Remove a tenant's entries of which this is so; how many."""
        names, removed = self.names(tenant), 0
        for type in self._by_tenant().get(tenant, ()):
            gone = {text for text in self._list(names.history(type)) if is_gone(text)}
            removed += sum(self._redis.lrem(names.history(type), 0, text) for text in gone)
        members = [text for text, _ in self._redis.zscan_iter(names.timeline, count=PAGE) if is_gone(text)]
        for first in range(0, len(members), PAGE):
            removed += self._redis.zrem(names.timeline, *members[first : first + PAGE])
        return removed

    def _kept(self) -> set[tuple[str, str]]:
        """Tenants and types of which anything was published."""
        return {_decode_pair(one) for one in self._redis.smembers(INDEX)}

    def _by_tenant(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for tenant, type in sorted(self._kept()):
            found[tenant].append(type)
        return found

    def _list(self, key: str) -> Iterator[bytes]:
        for first in range(0, self._most, PAGE):
            page = self._redis.lrange(key, first, first + PAGE - 1)
            yield from page
            if len(page) < PAGE:
                return

    def _cut(self, key: str, oldest: datetime) -> int:
        """Remove the end of a list, where the oldest are; how many."""
        removed = 0
        while tail := self._redis.lrange(key, -PAGE, -1):
            young = [entry is not None and entry.received >= oldest for entry in map(read, tail)]
            # up to the last one that may stay
            old = young[::-1].index(True) if True in young else len(young)
            if old:
                self._redis.ltrim(key, 0, -old - 1)
                removed += old
            if old < len(tail):
                break
        return removed


def _published(row: dict[str, Any]) -> Published:
    return Published(
        event_id=row["id"],
        event_type=row["type"],
        user_id=row["user"],
        timestamp=row["timestamp"].replace(tzinfo=UTC),
        received=row["received"].replace(tzinfo=UTC),
        session_id=row["session"],
        material_id=row["content"],
        properties=msgspec.Raw(row["properties"].encode()),
        tenant_id=row["tenant"],
    )
