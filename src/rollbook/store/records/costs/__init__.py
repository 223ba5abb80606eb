"""The records of costs: what models' tokens cost, and since when."""

from rollbook.store.records.costs.prices import Prices

__all__ = ["Prices"]
