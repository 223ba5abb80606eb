"""Access: who may do what, as tables. Nothing else decides it; a route or question that is missing here is refused.

`PERMISSIONS` says how far each role reaches with a permission, `ROUTES` which permission an address needs, `QUESTIONS`
which one a question needs. A caller with several roles reaches as far as the widest of them.
"""

import re
from functools import cache
from typing import Literal

from rollbook.governance.caller import Caller, Permission, Role

Reach = Literal["tenant", "cells", "courses", "wards", "self"]

# the widest first; `cells`: everyone of the tenant, but no group of few
REACHES: tuple[Reach, ...] = ("tenant", "cells", "courses", "wards", "self")

PERMISSIONS: dict[Permission, dict[Role, Reach]] = {
    "public": {},
    "write": {"admin": "tenant", "service": "tenant", "learner": "self"},
    "ask_many": {"admin": "tenant", "service": "tenant", "analyst": "cells", "educator": "courses"},
    "ask_person": {
        "admin": "tenant",
        "service": "tenant",
        "educator": "courses",
        "guardian": "wards",
        "learner": "self",
    },
    "live": {
        "admin": "tenant",
        "service": "tenant",
        "analyst": "cells",
        "educator": "courses",
        "guardian": "wards",
        "learner": "self",
    },
    "export": {"admin": "tenant", "service": "tenant", "educator": "courses"},
    # an import reads files of this machine, so it is its operator's
    "import": {"operator": "tenant"},
    "manage": {"admin": "tenant"},
    "roster": {"admin": "tenant", "service": "tenant"},
    "audit": {"admin": "tenant", "auditor": "tenant", "privacy_officer": "tenant"},
    "disclosures": {
        "admin": "tenant",
        "auditor": "tenant",
        "privacy_officer": "tenant",
        "guardian": "wards",
        "learner": "self",
    },
    "privacy": {"privacy_officer": "tenant", "admin": "tenant", "guardian": "wards", "learner": "self"},
    # FERPA: anyone of the institution
    "directory_information": {
        "admin": "tenant",
        "service": "tenant",
        "educator": "tenant",
        "analyst": "tenant",
        "privacy_officer": "tenant",
        "auditor": "tenant",
    },
    # what people write to an AI
    "words": {"privacy_officer": "tenant", "guardian": "wards", "learner": "self"},
    "operate": {"operator": "tenant"},
}

# (method, path) -> permission; `{…}` stands for one segment, `{…:path}` for any number
ROUTES: dict[tuple[str, str], Permission] = {
    ("GET", "/health"): "public",
    ("GET", "/api/analytics/healthz"): "public",
    ("GET", "/docs"): "public",
    ("GET", "/docs/start.js"): "public",
    ("GET", "/docs/files/{name:path}"): "public",
    ("GET", "/openapi.json"): "public",
    ("GET", "/api/analytics/docs"): "public",
    ("GET", "/api/analytics/openapi.json"): "public",
    ("GET", "/static/{version}/{name}"): "public",
    ("GET", "/sign-in"): "public",
    ("POST", "/sign-in"): "public",
    ("GET", "/sign-in/oidc"): "public",
    ("GET", "/sign-in/callback"): "public",
    ("POST", "/sign-out"): "public",
    # the way in
    ("POST", "/api/v2/events"): "write",
    ("POST", "/events"): "write",
    ("POST", "/api/analytics/ingest"): "write",
    # document 1
    ("GET", "/metrics/{user_id:path}"): "ask_person",
    ("GET", "/engagement/{user_id:path}"): "ask_person",
    ("GET", "/predict-dropout/{user_id:path}"): "ask_person",
    ("GET", "/retention"): "ask_many",
    ("GET", "/cohort-analysis"): "ask_many",
    ("GET", "/dashboard-data"): "ask_many",
    ("POST", "/export"): "export",
    # document 4
    ("GET", "/api/analytics/reports/dau"): "ask_many",
    ("GET", "/api/analytics/reports/events"): "export",
    # questions and pages
    ("GET", "/api/v2/questions"): "public",
    ("GET", "/"): "ask_many",
    ("GET", "/overview.json"): "ask_many",
    # running it
    ("GET", "/api/v2/dead-letters"): "manage",
    ("GET", "/api/v2/dead-letters/counts"): "manage",
    ("GET", "/api/v2/dead-letters/{letter_id}"): "manage",
    ("POST", "/api/v2/dead-letters/replay"): "manage",
    ("GET", "/api/v2/ingest/counters"): "manage",
    ("POST", "/api/v2/imports"): "import",
    ("GET", "/api/v2/imports/{key}"): "import",
    ("POST", "/api/v2/imports/{key}/stop"): "import",
    ("POST", "/api/v2/verify"): "operate",
    # the audit trail; its record of disclosures is the learner's to see, too
    ("GET", "/api/v2/audit"): "audit",
    ("GET", "/api/v2/audit/summary"): "audit",
    ("GET", "/api/v2/audit/heads"): "audit",
    ("POST", "/api/v2/audit/verify"): "audit",
    ("GET", "/api/v2/audit/disclosures/{user_id:path}"): "disclosures",
    # consent
    ("GET", "/api/v2/purposes"): "privacy",
    ("GET", "/api/v2/consents/{user_id:path}"): "privacy",
    ("PUT", "/api/v2/consents/{user_id:path}"): "privacy",
    ("GET", "/api/v2/conversations/{conversation_id:path}/text"): "words",
    ("GET", "/api/v2/directory-information/{user_id:path}"): "directory_information",
    # tenants and people
    ("GET", "/api/v2/tenants"): "operate",
    ("POST", "/api/v2/tenants"): "operate",
    ("GET", "/api/v2/tenants/{tenant}"): "manage",
    ("PATCH", "/api/v2/tenants/{tenant}"): "manage",
    ("POST", "/api/v2/tenants/{tenant}/unlink"): "manage",
    ("POST", "/api/v2/tenants/{tenant}/rotate"): "manage",
    ("GET", "/api/v2/tenants/{tenant}/rotate"): "manage",
    ("PUT", "/api/v2/directory"): "roster",
    ("GET", "/api/v2/directory"): "ask_person",
    ("GET", "/api/v2/directory/{user_id:path}"): "ask_person",
    ("DELETE", "/api/v2/directory/{user_id:path}"): "roster",
    ("PUT", "/api/v2/roster"): "roster",
    ("GET", "/api/v2/roster/courses/{course_id:path}"): "roster",
    ("GET", "/api/v2/people/{user_id:path}"): "roster",
    ("POST", "/api/v2/people/merge"): "roster",
    ("POST", "/api/v2/people/merges/{merge_id}/undo"): "roster",
    # the lifecycle
    ("POST", "/api/v2/lifecycle/run"): "operate",
    ("GET", "/api/v2/archives"): "manage",
    ("POST", "/api/v2/archives/restore"): "manage",
    ("GET", "/api/v2/archives/restores/{key}"): "manage",
    ("POST", "/api/v2/archives/restores/{key}/stop"): "manage",
    ("GET", "/api/v2/holds"): "privacy",
    ("POST", "/api/v2/holds"): "privacy",
    ("POST", "/api/v2/holds/{hold}/lift"): "privacy",
    ("GET", "/api/v2/compliance"): "privacy",
    ("GET", "/api/v2/keys"): "manage",
    ("POST", "/api/v2/keys"): "manage",
    ("POST", "/api/v2/keys/{key}/rotate"): "manage",
    ("DELETE", "/api/v2/keys/{key}"): "manage",
    ("POST", "/api/v2/live/tickets"): "live",
    ("POST", "/api/v2/privacy/requests"): "privacy",
    ("GET", "/api/v2/privacy/requests"): "privacy",
    ("GET", "/api/v2/privacy/requests/{request_id}"): "privacy",
    ("GET", "/api/v2/privacy/requests/{request_id}/package"): "privacy",
    ("POST", "/api/v2/privacy/requests/{request_id}/cancel"): "privacy",
    ("POST", "/api/v2/privacy/requests/{request_id}/accept"): "privacy",
    ("POST", "/api/v2/privacy/requests/{request_id}/refuse"): "privacy",
    ("POST", "/api/v2/privacy/requests/{request_id}/retry"): "privacy",
    ("POST", "/api/v2/privacy/readmissions"): "privacy",
}

QUESTIONS: dict[str, Permission] = {
    "totals": "ask_many",
    "active_users": "ask_many",
    "events_by_day": "ask_many",
    "event_distribution": "ask_many",
    "activity_heatmap": "ask_many",
    "retention": "ask_many",
    "retention_periods": "ask_many",
    "retention_curve": "ask_many",
    "cohorts": "ask_many",
    "cohort_analysis": "ask_many",
    "anomalies": "ask_many",
    "learners": "ask_person",
    "learner_metrics": "ask_person",
    "engagement": "ask_person",
    "learning_velocity": "ask_person",
    "dropout_risk": "ask_person",
    "intervention": "ask_person",
    "timeline": "ask_person",
}

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
