"""The steps from an empty database to the tables of models.py."""

from pathlib import Path

from sqlalchemy import Connection

FOLDER = Path(__file__).parent


def migrate(connection: Connection) -> bool:
    """Bring the tables to what this version of the backend needs, in the connection's transaction.

    Returns:
        False where a newer version was here before (this one was rolled back to): its tables are left as they are.
    """
    from alembic import command  # noqa: PLC0415 - slow to import, and used once
    from alembic.config import Config  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if not known.issuperset(MigrationContext.configure(connection).get_current_heads()):
        return False
    command.upgrade(config, "head")
    return True
