"""Access: who may do what, as tables. Nothing else decides it; a route or question that is missing here is refused.

`PERMISSIONS` says how far each role reaches with a permission, `ROUTES` which permission an address needs, `QUESTIONS`
which one a question needs. A caller with several roles reaches as far as the widest of them.
"""

import re
from functools import cache

from rollbook.governance.access.permissions import PERMISSIONS, REACHES, Reach
from rollbook.governance.access.questions import QUESTIONS
from rollbook.governance.access.routes import ROUTES
from rollbook.governance.caller import Caller, Permission

__all__ = ["PERMISSIONS", "QUESTIONS", "REACHES", "ROUTES", "Reach", "permission_of", "reach_of", "who_may"]

ASK = "/api/v2/ask/"


def permission_of(method: str, path: str) -> Permission | None:
    """What a request needs; None: it is in no table."""
    if path.startswith(ASK):
        return QUESTIONS.get(path.removeprefix(ASK)) if method in ("GET", "HEAD") else None
    wanted = "GET" if method == "HEAD" else method
    for known, pattern, permission in _patterns():
        if known == wanted and pattern.fullmatch(path):
            return permission
    return None


def reach_of(caller: Caller, permission: Permission) -> Reach | None:
    """How far a caller reaches with a permission; None: not at all."""
    if caller.only is not None and permission not in caller.only:
        return None
    found = {PERMISSIONS[permission].get(role) for role in caller.roles}
    return next((reach for reach in REACHES if reach in found), None)


def who_may(permission: Permission) -> str:
    """The roles that have a permission, in words."""
    return ", ".join(sorted(PERMISSIONS[permission]))


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str], Permission], ...]:
    return tuple((method, _pattern(path), permission) for (method, path), permission in ROUTES.items())


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", path)
    return re.compile("".join(_segment(part) if part.startswith("{") else re.escape(part) for part in parts))


def _segment(part: str) -> str:
    return ".+" if part.endswith(":path}") else "[^/]+"
