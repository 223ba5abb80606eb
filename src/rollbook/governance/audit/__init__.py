"""The audit trail: who did what, to whose data, when, from where and why."""

from rollbook.governance.audit.line import Line
from rollbook.governance.audit.trail import Trail

__all__ = ["Line", "Trail"]
