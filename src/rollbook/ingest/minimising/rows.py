"""Rows of a bulk load, their users' ids replaced by pseudonyms and scrubbed, for the tenants that want it."""

import pyarrow as pa
import pyarrow.compute as pc

from rollbook.governance.minimisation import naming
from rollbook.governance.pseudonyms import Chain, Pseudonyms
from rollbook.governance.tenants import TenantSettings
from rollbook.ingest.minimising.steps import scrubbed, veiled

# columns of texts that a sender may have made of a user's id
TEXTS = ("source", "session", "content", "concept", "conversation", "channel")


def disguised(rows: pa.Table, pseudonyms: Pseudonyms) -> pa.Table:
    """The same rows as they are to be stored. Doing it twice changes nothing more."""
    tenants = pc.unique(rows["tenant"]).to_pylist()
    if len(tenants) == 1:
        return _of_tenant(rows, tenants[0], pseudonyms)
    parts = [_of_tenant(rows.filter(pc.equal(rows["tenant"], one)), one, pseudonyms) for one in tenants]
    return pa.concat_tables(parts) if parts else rows


def _of_tenant(rows: pa.Table, tenant: str, pseudonyms: Pseudonyms) -> pa.Table:
    chain, settings = pseudonyms.chain(tenant), pseudonyms.tenants.settings(tenant)
    if chain is not None:
        rows = _disguised(rows, tenant, chain, pseudonyms)
    return _scrubbed(rows, settings) if settings.scrub else rows


def _disguised(rows: pa.Table, tenant: str, chain: Chain, pseudonyms: Pseudonyms) -> pa.Table:
    users = rows["user"].to_pylist()
    stored = [chain.of(user) for user in users]
    if users != stored:
        ids = [
            pseudonyms.event_id(tenant, id) if user and user != new and naming.is_word_in(user, id) else id
            for id, user, new in zip(rows["id"].to_pylist(), users, stored, strict=True)
        ]
        rows = _with(_with(rows, "user", stored), "id", ids)
        for name in TEXTS:
            rows = _without(rows, name, users, stored)
    return _veiled(rows, users, chain)


def _without(rows: pa.Table, name: str, users: list[str], stored: list[str]) -> pa.Table:
    if not pc.max(pc.binary_length(rows[name])).as_py():
        return rows
    texts = rows[name].to_pylist()
    told = zip(texts, users, stored, strict=True)
    clean = [naming.replaced(text, user, new) if naming.is_own(user) else text for text, user, new in told]
    return rows if clean == texts else _with(rows, name, clean)


def _veiled(rows: pa.Table, users: list[str], chain: Chain) -> pa.Table:
    texts = [text.encode() for text in rows["properties"].to_pylist()]
    clean = [veiled(text, user, chain) for text, user in zip(texts, users, strict=True)]
    return rows if clean == texts else _with(rows, "properties", [text.decode() for text in clean])


def _scrubbed(rows: pa.Table, settings: TenantSettings) -> pa.Table:
    told = zip(rows["properties"].to_pylist(), rows["type"].to_pylist(), strict=True)
    return _with(rows, "properties", [scrubbed(text.encode(), type, settings).decode() for text, type in told])


def _with(rows: pa.Table, name: str, values: list[str]) -> pa.Table:
    place = rows.schema.get_field_index(name)
    return rows.set_column(place, rows.schema.field(name), pa.array(values, pa.string()))
