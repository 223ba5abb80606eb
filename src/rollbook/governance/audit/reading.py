"""Reading the trail: its lines with the names behind them, who saw a learner's data, and counts for auditors."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rollbook.governance.audit.chain import EPOCH
from rollbook.governance.audit.identities import Identities, Named
from rollbook.governance.audit.keys import Keys
from rollbook.governance.audit.line import Action
from rollbook.store import Store, audit_lines
from rollbook.store.engine import Row

FORGOTTEN = "(forgotten)"
LAST = datetime(2148, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines of a tenant's trail: between two moments, of an action, by an actor, about a person."""

    tenant: str
    begin: datetime | None = None
    until: datetime | None = None
    action: Action | None = None
    actor: str | None = None
    person: str | None = None


class Reading:
    """Answers about the trail, newest first; who was forgotten is shown as that."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self._engine = store.engine
        self._identities = Identities(store, keys)

    def lines(self, wanted: Wanted, limit: int) -> list[Row]:
        """Lines: the columns of the table but hashes, with names."""
        which = self._which(wanted)
        return self._shown(audit_lines.listed(self._engine, which, limit)) if which is not None else []

    def disclosures(self, wanted: Wanted, users: Iterable[str], limit: int) -> list[Row]:
        """Who but themselves saw the data of somebody who has these stored ids; exports and lists of everyone, too.

        `named`: the line names them; else it is an export or list of a tenant or course, in which they may be.
        """
        which = self._which(Wanted(wanted.tenant, wanted.begin, wanted.until))
        assert which is not None
        which["persons"] = self._identities.found(wanted.tenant, users)
        rows = audit_lines.disclosed(self._engine, which, limit)
        return [line | {"named": line["person"] is not None} for line in self._shown(rows)]

    def counts(self, wanted: Wanted, limit: int) -> list[Row]:
        """How many lines: `day, action, actor, credential, lines`."""
        which = self._which(wanted)
        rows = audit_lines.counted(self._engine, which, limit) if which is not None else []
        named = self._identities.named((row["actor"] for row in rows), ())
        return [row | {"actor": _name(row["actor"], named.names)} for row in rows]

    def refusals(self, wanted: Wanted, limit: int) -> list[Row]:
        """Who was refused what: `actor, credential, what, lines, last, address`."""
        which = self._which(wanted)
        rows = audit_lines.refused(self._engine, which, limit) if which is not None else []
        named = self._identities.named((row["actor"] for row in rows), (row["address"] for row in rows))
        return [row | _names(row, named, ("actor",)) for row in rows]

    def _which(self, wanted: Wanted) -> Row | None:
        """What is bound; None: nobody of that name is in the trail."""
        which: dict[str, Any] = {
            "tenant": wanted.tenant,
            "begin": wanted.begin or EPOCH,
            "until": wanted.until or LAST,
            "actions": [wanted.action] if wanted.action else [],
        }
        for name, value in (("actors", wanted.actor), ("persons", wanted.person)):
            which[name] = self._identities.found(wanted.tenant, [value]) if value is not None else []
            if value is not None and not which[name]:
                return None
        return which

    def _shown(self, rows: list[Row]) -> list[Row]:
        digests = (row[name] for row in rows for name in ("actor", "person"))
        named = self._identities.named(digests, (row["address"] for row in rows))
        kept = ("tenant", "chain", "number", "at", "action", "what", "credential", "why")
        return [
            {name: row[name] for name in kept}
            | _names(row, named, ("actor", "person"))
            | {
                "detail": json.loads(row["detail"]),
                "received": row["received"] if row["received"] != EPOCH else None,
                "recovered": bool(row["recovered"]),
            }
            for row in rows
        ]


def _names(row: Row, named: Named, people: Iterable[str]) -> Row:
    shown = {name: _name(row[name], named.names) for name in people}
    return shown | {"address": _name(row["address"], named.addresses)}


def _name(digest: str, names: Any) -> str | None:
    """Who it is; None: nobody."""
    return names.get(digest, FORGOTTEN) if digest else None
