"""One file, one event shape. To add one: its file, its test, one line here."""

from rollbook.ingest.dialects.agent import AGENT
from rollbook.ingest.dialects.dialect import Dialect
from rollbook.ingest.dialects.engine import ENGINE
from rollbook.ingest.dialects.ingest import INGEST
from rollbook.ingest.dialects.native import NATIVE
from rollbook.ingest.dialects.studyin import STUDYIN

__all__ = ["DIALECTS", "Dialect"]

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (NATIVE, AGENT, STUDYIN, INGEST, ENGINE)}
