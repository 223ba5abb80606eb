"""The records of consent: what people have decided, and who of them is how old."""

from rollbook.store.records.consent.consents import Consents

__all__ = ["Consents"]
