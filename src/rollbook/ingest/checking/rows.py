"""Rows of a bulk load, held against their tenant's definitions: they are marked, never refused."""

import pyarrow as pa
import pyarrow.compute as pc

from rollbook.governance.definitions import Checks, Definitions
from rollbook.ingest.enriching.context import PROBLEMS, with_context


def marked(rows: pa.Table, definitions: Definitions) -> pa.Table:
    """The same rows; those that break their definition say so in their properties."""
    tenants = pc.unique(rows["tenant"]).to_pylist()
    found = {tenant: checks for tenant in tenants if (checks := definitions.checks(tenant)) is not None}
    if not found:
        return rows
    told = zip(rows["tenant"].to_pylist(), rows["type"].to_pylist(), rows["properties"].to_pylist(), strict=True)
    texts = [_marked(found.get(tenant), type, properties) for tenant, type, properties in told]
    at = rows.schema.get_field_index("properties")
    return rows.set_column(at, rows.schema.field("properties"), pa.array(texts, pa.string()))


def _marked(checks: Checks | None, type: str, properties: str) -> str:
    compiled = checks.compiled.get(type) if checks else None
    if compiled is None or not (problems := compiled.problems(properties.encode())):
        return properties
    return with_context(properties.encode(), {PROBLEMS: problems}).decode()
