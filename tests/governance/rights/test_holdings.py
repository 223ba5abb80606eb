"""Holdings: every column of every record of a tenant says by its name whether it is a person's; none is forgotten."""

from sqlalchemy import String

from rollbook.store.records.holdings import DONE_BY, is_row_of
from rollbook.store.records.tables import metadata

# names of columns that hold no stored id of a person
NOBODYS = {
    "action", "archive", "asked_by", "basis", "cached_rate", "capacity", "chain", "chunk", "content", "country",
    "course", "credential", "currency", "definition", "description", "detail", "dialect", "digest", "evidence",
    "folder", "format", "hash", "head", "id", "identity", "input_rate", "kept", "key", "kind", "merged", "model",
    "module", "name", "origins", "output_rate", "path", "person", "policy", "prefix", "presentation", "previous",
    "provider", "purpose", "reason", "reasoning_rate", "ref", "request", "result", "ring", "role", "root", "scheme",
    "seen", "signature", "source", "state", "stretch", "tenant", "timezone", "title", "type", "value", "why", "zone",
}  # fmt: skip


def test_every_column_is_somebodys_or_nobodys() -> None:
    unknown = [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        if "tenant" in table.c
        for column in table.c
        if isinstance(column.type, String) and not is_row_of(table, column) and column.name not in NOBODYS | DONE_BY
    ]
    assert not unknown, f"say in store/records/holdings.py whose these are: {unknown}"


def test_a_learner_is_found_by_id_and_a_course_is_not() -> None:
    tables = metadata.tables
    assert is_row_of(tables["learners"], tables["learners"].c.id)
    assert is_row_of(tables["enrolments"], tables["enrolments"].c.learner)
    assert is_row_of(tables["memberships"], tables["memberships"].c.user)
    assert not is_row_of(tables["courses"], tables["courses"].c.id)
    assert not is_row_of(tables["enrolments"], tables["enrolments"].c.course)
