"""The steps from an empty database to the tables of models.py."""

from pathlib import Path

from sqlalchemy import Connection, text

FOLDER = Path(__file__).parent

HEAD = "0002"
"""The last step: where it was made, there is nothing to do, and Alembic need not be loaded."""


def migrate(connection: Connection) -> bool:
    """Bring the tables to what this version of the backend needs, in the connection's transaction.

    Returns:
        False where a newer version was here before (this one was rolled back to): its tables are left as they are.
    """
    if _last_step(connection) == HEAD:
        return True
    from alembic import command  # noqa: PLC0415 - slow to import, and seldom used
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if not known.issuperset({_last_step(connection)} - {None}):
        return False
    command.upgrade(config, "head")
    return True


def _last_step(connection: Connection) -> str | None:
    """Return the step that was made last, as Alembic remembers it; None in a database that it has not seen."""
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    step: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return step
