"""Letters: dead letters are kept sealed under their tenant's key, each bound to its own id."""

from functools import partial

from rollbook.errors import Invalid, NotFound
from rollbook.governance.sealing import Ring, Sealing
from rollbook.store import dead_letters
from rollbook.store.dead_letters import Seal
from rollbook.store.engine import Row

# of their own: they hold ids as they were sent, so unlinking a tenant destroys their keys
RING: Ring = "letters"


def sealer(sealing: Sealing) -> Seal:
    """What seals the letters of all tenants."""

    def seal(tenant: str, letter: str, data: bytes) -> bytes:
        return sealing.seal(tenant, data, context=_context(letter), ring=RING)

    return seal


def opened(sealing: Sealing, tenant: str, rows: list[Row]) -> list[Row]:
    """A tenant's letters as they came in; one whose key was destroyed stays sealed. Raises Unavailable."""
    return [_opened(sealing, tenant, row) for row in rows]


def _opened(sealing: Sealing, tenant: str, row: Row) -> Row:
    try:
        return dead_letters.opened(row, partial(_unsealed, sealing, tenant))
    except (NotFound, Invalid) as error:
        return row | {"detail": error.detail}


def _unsealed(sealing: Sealing, tenant: str, letter: str, sealed: bytes) -> bytes:
    return sealing.unseal(tenant, sealed, context=_context(letter), ring=RING)


def _context(letter: str) -> str:
    return f"dead letter {letter}"
