"""Stock: how much of a tenant each table holds, and how old it is; for the report of what is kept."""

from datetime import datetime

from rollbook.store.engine import Engine, Row

# the first that a table has says how old its rows are
AGES = ("at", "received", "minute", "upto", "day", "last")
ENDS = (("min", "oldest"), ("max", "newest"))

TABLES = """
select c.table as table, groupArray(c.name) as columns, any(t.total_bytes) as bytes, any(t.total_rows) as rows
from system.columns as c join system.tables as t on t.database = c.database and t.name = c.table
where c.database = currentDatabase() and t.engine like '%MergeTree'
group by c.table having has(columns, 'tenant') order by c.table
"""
LOOKED = """
select action, count() as lines, uniqExact(actor) as actors, max(at) as last from audit
where tenant = {tenant:String} and at >= {since:DateTime64(3, 'UTC')} group by action order by action
"""


def tables(engine: Engine, tenant: str) -> list[Row]:
    """Tables that hold something: `table, rows, bytes, oldest, newest`; bytes are the tenant's share by rows."""
    found = []
    for table in engine.query(TABLES, unlimited=True):
        age = next((name for name in AGES if name in table["columns"]), None)
        ends = ", ".join(f"toString({end}({age})) as {name}" if age else f"'' as {name}" for end, name in ENDS)
        sql = f"select count() as rows, {ends} from {table['table']} where tenant = {{tenant:String}}"
        row = engine.query(sql, {"tenant": tenant}, unlimited=True)[0]
        if row["rows"]:
            share = (table["bytes"] or 0) * row["rows"] // max(table["rows"] or 0, row["rows"])
            found.append({"table": table["table"], "rows": row["rows"], "bytes": share} | row)
    return found


def looked(engine: Engine, tenant: str, since: datetime) -> list[Row]:
    """Lines of the audit trail by action: how many, of how many actors, and the last."""
    return engine.query(LOOKED, {"tenant": tenant, "since": since}, unlimited=True)
