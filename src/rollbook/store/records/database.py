"""The records' database: SQLite in the data folder or PostgreSQL, opened, migrated, read and written the same way."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Executable, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, SQLAlchemyError

from rollbook.errors import Invalid, Unavailable
from rollbook.settings import Settings

Record = dict[str, Any]

BUSY_MS = 15_000
MIGRATION_LOCK = 0x726F6C6C  # "roll": any number, the same in every Rollbook
POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")


class Database:
    """The database behind the records. Raises Invalid and Unavailable, never SQLAlchemy's own errors."""

    def __init__(self, settings: Settings) -> None:
        """Open and migrate."""
        url = address(settings)
        self._engine = _sqlite(url) if url.drivername == "sqlite" else create_engine(url, pool_pre_ping=True)
        # SQLite takes the write lock at once: a transaction that reads first and writes later may find it gone
        self._writing = self._engine.execution_options(immediate=True)
        self._migrate()

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: everything in it is kept, or nothing."""
        with translated(self._engine.url), self._writing.begin() as connection:
            yield connection

    def rows(self, statement: Executable, bound: Mapping[str, Any] | None = None) -> list[Record]:
        """The rows of a select, a dict each."""
        with translated(self._engine.url), self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement, bound or {}).mappings()]

    def put(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, or replace the columns they name where the key is there already."""
        if rows:
            connection.execute(self._upsert(table, set(rows[0])), [dict(row) for row in rows])

    def put_new(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows; leave alone what is there already."""
        if rows:
            connection.execute(self._upsert(table, set()), [dict(row) for row in rows])

    @property
    def is_sqlite(self) -> bool:
        """Whether the records are in a file of the data folder."""
        return self._engine.dialect.name == "sqlite"

    def checkpoint(self) -> bool:
        """Empty SQLite's write-ahead log, which still holds what was deleted; whether somebody reads in it yet."""
        with translated(self._engine.url), self._engine.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert driver is not None
            # outside of any transaction, or it finds itself reading
            return bool(driver.execute("pragma wal_checkpoint(truncate)").fetchone()[0])

    def vacuum(self, tables: Sequence[str]) -> None:
        """Make PostgreSQL give up the rows that were deleted."""
        outside = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with translated(self._engine.url), outside.connect() as connection:
            for table in tables:
                connection.execute(text(f'vacuum "{table}"'))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _upsert(self, table: Table, changed: set[str]) -> Executable:
        make = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        insert: sqlite.Insert | postgresql.Insert = make(table)
        keys = {column.name for column in table.primary_key}
        values = {name: insert.excluded[name] for name in sorted(changed - keys)}
        if not values:
            return insert.on_conflict_do_nothing()
        return insert.on_conflict_do_update(index_elements=sorted(keys), set_=values)

    def _migrate(self) -> None:
        """Bring the tables up to date, in one transaction that nobody else migrates beside."""
        config = Config(attributes={})
        config.set_main_option("script_location", "rollbook.store.records:migrations")
        with self.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise Invalid(f"the records were written by a newer Rollbook ({error}); update this one") from error


def address(settings: Settings) -> URL:
    """Where the records are. Raises Invalid if DATABASE_URL is not PostgreSQL's."""
    if not settings.database_url:
        return URL.create("sqlite", database=str(settings.data / "records.db"))
    right = "must be postgresql://user:password@host:5432/database, or unset for SQLite in the data folder"
    try:
        url = make_url(settings.database_url)
    except ArgumentError as error:
        raise Invalid(f"DATABASE_URL {right}") from error
    if url.drivername not in POSTGRESQL:
        raise Invalid(f"DATABASE_URL {right}; it begins with {url.drivername}://")
    return url.set(drivername="postgresql+psycopg")


def batches(rows: Iterable[Mapping[str, Any]], most: int = 5_000) -> Iterator[list[Mapping[str, Any]]]:
    """The rows in lists of at most so many."""
    held: list[Mapping[str, Any]] = []
    for row in rows:
        held.append(row)
        if len(held) >= most:
            yield held
            held = []
    if held:
        yield held


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000})

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        # None: the driver leaves BEGIN to us, so that a migration's DDL is part of its transaction
        connection.isolation_level = None
        # secure_delete: what is deleted is overwritten, not only forgotten
        kept = ("journal_mode = wal", "foreign_keys = on", "synchronous = full", "secure_delete = on")
        for pragma in (*kept, f"busy_timeout = {BUSY_MS}"):
            connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def _began(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate")
        connection.exec_driver_sql("begin immediate" if immediate else "begin")

    return engine


@contextlib.contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn the database's errors into ours; a password is never shown."""
    try:
        yield
    except (IntegrityError, DataError) as error:
        raise Invalid(f"a record does not fit: {_first_line(error)}") from error
    except SQLAlchemyError as error:
        where = url.render_as_string(hide_password=True)
        raise Unavailable(f"the records at {where} cannot be used now: {_first_line(error)}") from error


def _first_line(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return (str(cause).strip().splitlines() or [type(error).__name__])[0][:400]
