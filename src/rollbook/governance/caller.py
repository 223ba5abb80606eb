"""Caller: who makes a request, as far as they have shown it."""

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal[
    "admin", "analyst", "educator", "learner", "guardian", "service", "auditor", "privacy_officer", "operator"
]
ROLES: tuple[Role, ...] = get_args(Role)

Permission = Literal[
    "public",
    "write",
    "ask_many",
    "ask_person",
    "measure",
    "define",
    "live",
    "export",
    "import",
    "manage",
    "roster",
    "audit",
    "disclosures",
    "privacy",
    "words",
    "directory_information",
    "operate",
]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: for one tenant, or as the operator of this machine for any (`tenant` "").

    `subject` is their own user id as it is stored, "" for a machine. `credential` names what they showed and is safe to
    log (`key:3f2a`, `token:alice`, `session:9c01`, `open`, `local`). `only`: what a key is limited to; None: all that
    the roles may. `origins`: web pages of these origins may use it; None: any that it is given to.
    `until`: when what they showed ends, in seconds since 1970; None: it does not end by itself.
    """

    tenant: str
    roles: frozenset[Role]
    credential: str
    subject: str = ""
    only: frozenset[Permission] | None = None
    origins: frozenset[str] | None = None
    until: float | None = None

    def may_name(self, tenant: str) -> bool:
        """Whether they may speak of this tenant."""
        return self.tenant in ("", tenant)


# with ROLLBOOK_AUTH=none: whoever is on this machine
OPEN = Caller("", frozenset({"admin", "privacy_officer", "auditor", "operator"}), "open")
# the command line on the same machine, by the secret in the data folder
LOCAL = Caller("", frozenset({"admin", "privacy_officer", "auditor", "operator"}), "local")
