"""How Alembic runs the migrations: on the connection it is given, inside that connection's transaction."""

from alembic import context

from rollbook.store.records.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
