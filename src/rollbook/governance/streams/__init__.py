"""Streams: how they are let in where no header can be sent, and when they must close."""

from rollbook.governance.streams.tickets import Tickets
from rollbook.governance.streams.watch import Watch

__all__ = ["Tickets", "Watch"]
