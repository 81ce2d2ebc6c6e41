"""Runs migrations: on the transaction the service hands over, or on `alembic -x url=...`."""

from alembic import context
from sqlalchemy import Connection, create_engine

from service.adapters.sql_tables import metadata


def migrate(connection: Connection) -> None:
    """Run inside the connection's transaction, so that a failed migration leaves nothing."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
    )
    context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    url = context.get_x_argument(as_dictionary=True).get("url", "sqlite:///data/gallery.db")
    with create_engine(url).begin() as connection:
        migrate(connection)
