"""People in the records: who is who, who is in which course, who answers for whom."""

from rollbook.store.records.people.people import People

__all__ = ["People"]
