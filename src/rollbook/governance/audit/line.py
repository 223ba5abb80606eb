"""Line: one entry of the audit trail."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Action = Literal[
    "ingest", "read", "export", "report", "change", "consent", "erasure", "rights", "refused", "sign_in", "directory"
]


@dataclass(frozen=True, slots=True)
class Line:
    """Who (`actor`, as what: `credential`) did what (`action`, on `what`: a route, a question, a record).

    `person`: whose data, as stored, "" for nobody's in particular. `address`: from where. `why`: the reason given.
    `detail`: figures and names that are no person's. `received`: of an ingest line, the stamp of its events;
    `recovered`: it was found again from them after a crash.
    """

    tenant: str
    action: Action
    what: str
    actor: str = ""
    credential: str = ""
    person: str = ""
    address: str = ""
    why: str = ""
    detail: dict[str, str | int] = field(default_factory=dict)
    received: datetime | None = None
    recovered: bool = False
