"""The small records: everything that is not an event, in SQLite or PostgreSQL."""

from rollbook.store.records.records import Records

__all__ = ["Records"]
