"""Publishing: what passes committed events on to a Redis, over a store that tests share."""

import contextlib
from collections.abc import Iterator

from rollbook.ingest.publishing import Publisher
from rollbook.store import Store
from rollbook.store.sharing import History


@contextlib.contextmanager
def publishing(store: Store, url: str, *, most: int = 10_000, waiting: int = 20_000) -> Iterator[Publisher]:
    """A publisher, closed at the end; `most` events in a list, `waiting` for Redis."""
    publisher = Publisher(store, History(url, most=most), most=waiting)
    try:
        yield publisher
    finally:
        publisher.close()
