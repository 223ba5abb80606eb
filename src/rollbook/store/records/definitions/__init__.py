"""The records of event definitions: what a tenant says that its events look like."""

from rollbook.store.records.definitions.definitions import DefinitionRecords

__all__ = ["DefinitionRecords"]
