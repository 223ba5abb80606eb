"""Rights: what people may ask for about themselves, as requests that are carried out whatever happens meanwhile."""

from rollbook.governance.rights.requests import KINDS, Kind, Request, Rights, State
from rollbook.governance.rights.work import Work

__all__ = ["KINDS", "Kind", "Request", "Rights", "State", "Work"]
