"""Rates: how often one may call, and from where it is counted."""

from rollbook.governance.rates.addresses import Addresses
from rollbook.governance.rates.rates import Rates

__all__ = ["Addresses", "Rates"]
