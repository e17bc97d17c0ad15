"""Alembic migrations from an empty database to the tables in tables.py."""

from pathlib import Path

from sqlalchemy import Connection, text

FOLDER = Path(__file__).parent

HEAD = "0002"
"""The latest migration. If the database has it, there is nothing to do, and Alembic is not even imported."""


def migrate(connection: Connection) -> bool:
    """Migrate to the tables of this version, in the transaction of the connection.

    Returns:
        False if the tables are those of a newer version, because of a rollback to this one. They are left unchanged.
    """
    if _revision(connection) == HEAD:
        return True
    from alembic import command  # noqa: PLC0415 - slow to import, and rarely needed
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if not known.issuperset({_revision(connection)} - {None}):
        return False
    command.upgrade(config, "head")
    return True


def _revision(connection: Connection) -> str | None:
    """Return the latest migration that Alembic applied; None if it applied none."""
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
