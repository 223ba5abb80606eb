"""The records' database: opened, migrated and refused."""

import importlib
import pkgutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from rollbook.errors import Invalid, Unavailable
from rollbook.settings import Settings, load
from rollbook.store import records
from rollbook.store.records import Records
from rollbook.store.records.database import address
from rollbook.store.records.tables import metadata
from tests.processes import ROOT, command
from tests.services import free_port

OPEN = """
    import sys
    from pathlib import Path
    from rollbook.settings import load
    from rollbook.store.records import Records
    Records(load(data=Path(sys.argv[1]), database_url=sys.argv[2] or None)).close()
"""


def test_the_migrations_make_the_tables_that_the_code_reads(database: Settings) -> None:
    Records(database).close()
    for module in pkgutil.walk_packages(records.__path__, f"{records.__name__}."):
        if module.name.endswith("tables"):
            importlib.import_module(module.name)
    with create_engine(address(database)).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_many_processes_open_new_records_at_once(database: Settings) -> None:
    opening = [
        subprocess.Popen(command(OPEN, database.data, database.database_url or ""), cwd=ROOT, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    said = [process.communicate()[1].decode() for process in opening]
    assert [process.returncode for process in opening] == [0, 0, 0, 0], said
    with create_engine(address(database)).connect() as connection:
        assert connection.execute(text("select count(*) from alembic_version")).scalar() == 1


def test_records_of_a_newer_rollbook_are_refused(database: Settings) -> None:
    Records(database).close()
    with create_engine(address(database)).begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(Invalid, match="newer Rollbook"):
        Records(database)


def test_sqlite_is_safe_against_power_loss_and_checks_keys(tmp_path: Path) -> None:
    records = Records(load(data=tmp_path))
    records.put_tenant("open", "The Open University")
    found = [records._database.rows(text(f"pragma {name}"))[0] for name in ("foreign_keys", "synchronous")]
    assert [list(row.values()) for row in found] == [[1], [2]]
    with sqlite3.connect(tmp_path / "records.db") as beside:
        assert beside.execute("pragma journal_mode").fetchone() == ("wal",)
    records.close()


@pytest.mark.parametrize("url", ["mysql://root@localhost/records", "records.db", "sqlite:///records.db"])
def test_only_postgresql_can_be_named(tmp_path: Path, url: str) -> None:
    with pytest.raises(Invalid, match="DATABASE_URL must be postgresql://"):
        Records(load(data=tmp_path, database_url=url))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_say_postgresql(scheme: str) -> None:
    found = address(load(database_url=f"{scheme}://ada:secret@db:5433/records"))
    assert found.render_as_string(hide_password=False) == "postgresql+psycopg://ada:secret@db:5433/records"


def test_a_database_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://ada:secret@127.0.0.1:{free_port()}/records"
    with pytest.raises(Unavailable, match=r"ada:\*\*\*@127") as refused:
        Records(load(data=tmp_path, database_url=url))
    assert "secret" not in refused.value.detail
