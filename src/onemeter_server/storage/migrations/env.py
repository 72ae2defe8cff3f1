"""What Alembic runs for each command: with the connection, in the transaction of its caller."""

from alembic import context

from onemeter_server.storage.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
