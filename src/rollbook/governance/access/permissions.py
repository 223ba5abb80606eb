"""Permissions: how far each role reaches with each."""

from typing import Literal

from rollbook.governance.caller import Permission, Role

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
    # figures that do not say how many people stand behind them
    "measure": {"admin": "tenant", "service": "tenant", "educator": "courses"},
    # what is kept to ask with, as segments are
    "define": {"admin": "tenant", "service": "tenant", "analyst": "cells", "educator": "courses"},
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
