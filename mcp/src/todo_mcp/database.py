"""Users' tasks in PostgreSQL; the backend makes the table."""

import logging
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import UndefinedColumn, UndefinedTable
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import BaseModel

from todo_mcp.serving import NotReadyError, SettingsError, hung_up_after, within

T = TypeVar("T")

CONNECTIONS = 5
CONNECT_SECONDS = 2

PING_SECONDS = 0.5
"""How long a connection may take to show that it works still, so that a call has time left for another."""

OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": CONNECT_SECONDS,
    "prepare_threshold": None,  # prepared statements do not survive poolers that share connections (Neon has one)
    # libpq notices within seconds that the other side is gone without a word; by itself it takes hours.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}

COLUMNS = "id, title, completed, created_at, updated_at"

LIST = f"""
SELECT {COLUMNS} FROM tasks
WHERE user_id = %(user_id)s AND (%(completed)s::boolean IS NULL OR completed = %(completed)s)
ORDER BY id LIMIT %(limit)s
"""  # noqa: S608 - the columns are the constant above

ADD = f"INSERT INTO tasks (user_id, title) VALUES (%(user_id)s, %(title)s) RETURNING {COLUMNS}"  # noqa: S608

UPDATE = f"""
UPDATE tasks
SET title = coalesce(%(title)s, title), completed = coalesce(%(completed)s, completed), updated_at = now()
WHERE user_id = %(user_id)s AND id = %(task_id)s RETURNING {COLUMNS}
"""  # noqa: S608

DELETE = f"DELETE FROM tasks WHERE user_id = %(user_id)s AND id = %(task_id)s RETURNING {COLUMNS}"  # noqa: S608


class Task(BaseModel):
    """Something to do; times are ISO 8601 with their offset from UTC."""

    id: int
    title: str
    completed: bool
    created_at: datetime
    updated_at: datetime


class DatabaseDownError(NotReadyError):
    """The database cannot be used now."""


def libpq_url(url: str) -> str:
    """Return a database URL as libpq takes it: without the name of a driver.

    Raises:
        SettingsError: It is not the URL of a PostgreSQL database.
    """
    scheme, separator, rest = url.partition("://")
    plain = f"postgresql://{rest}"
    try:
        conninfo_to_dict(plain)
    except psycopg.ProgrammingError:
        separator = ""
    if not separator or scheme.partition("+")[0] not in {"postgres", "postgresql"}:
        raise SettingsError("DATABASE_URL is not of the form postgresql://user:password@host/name")
    return plain


class Database:
    """A PostgreSQL database with the backend's tables."""

    def __init__(self, url: str, *, tool_seconds: float) -> None:
        self._url = libpq_url(url)
        self._tool_seconds = tool_seconds
        self._password = str(conninfo_to_dict(self._url).get("password") or "")
        # No connection is kept alive for its own sake, and none is tried again in the background: the pool's pause
        # between attempts grows, and a request after an outage would have to wait for it.
        self._pool = AsyncConnectionPool(
            self._url,
            kwargs=OPTIONS,
            min_size=0,
            max_size=CONNECTIONS,
            open=False,
            check=self._ping,
            timeout=0.75 * tool_seconds,  # the rest is for asking why there was none
            reconnect_timeout=1,
        )

    async def open(self) -> None:
        """Begin to take connections; the database need not be there yet."""
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # who asks for a connection is told what is wrong
        await self._pool.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    async def tasks(self, user: str, *, completed: bool | None, limit: int) -> list[Task]:
        """Return a user's tasks, oldest first.

        Args:
            user: The user's id.
            completed: Only those that are, or are not; None for all.
            limit: At most so many.

        Raises:
            DatabaseDownError: The database does not answer, or has no tasks table yet.
        """
        return await self._rows(LIST, user_id=user, completed=completed, limit=limit)

    async def add(self, user: str, title: str) -> Task:
        """Add a task for a user, and return it.

        Raises:
            DatabaseDownError: The database does not answer, or has no tasks table yet.
        """
        return (await self._rows(ADD, user_id=user, title=title))[0]

    async def update(self, user: str, task_id: int, *, title: str | None, completed: bool | None) -> Task | None:
        """Change what is given of a user's task, and return it; None where the user has no such task.

        Raises:
            DatabaseDownError: The database does not answer, or has no tasks table yet.
        """
        rows = await self._rows(UPDATE, user_id=user, task_id=task_id, title=title, completed=completed)
        return rows[0] if rows else None

    async def delete(self, user: str, task_id: int) -> Task | None:
        """Delete a user's task, and return what it was; None where the user has no such task.

        Raises:
            DatabaseDownError: The database does not answer, or has no tasks table yet.
        """
        rows = await self._rows(DELETE, user_id=user, task_id=task_id)
        return rows[0] if rows else None

    async def _rows(self, statement: str, **parameters: object) -> list[Task]:
        async def work() -> list[Task]:
            async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Task)) as cursor:
                await cursor.execute(statement.encode(), parameters)
                return await cursor.fetchall()

        try:
            return await self._limited(self._tool_seconds, work)
        except PoolTimeout as error:
            await self.check(0.25 * self._tool_seconds)
            raise DatabaseDownError("The database cannot be used: all connections to it are busy") from error

    async def _ping(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Ask for an answer on a connection that is to be used; without one, none of the pool's is used again."""
        try:
            with hung_up_after(PING_SECONDS, connection.fileno()):
                await AsyncConnectionPool.check_connection(connection)
        except psycopg.Error:
            await self._pool.drain()
            raise

    async def check(self, seconds: float) -> None:
        """Ask the database for an answer, on a connection of its own: an error of it says why there is none.

        Raises:
            DatabaseDownError: There is none within `seconds`.
        """

        async def work() -> None:
            async with await psycopg.AsyncConnection.connect(self._url, **OPTIONS) as connection:
                await connection.execute("SELECT 1")

        await self._limited(seconds, work)

    async def _limited(self, seconds: float, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        try:
            return await within(seconds, work())
        except (UndefinedTable, UndefinedColumn) as error:
            raise DatabaseDownError("The backend has not made the tasks table yet") from error
        except PoolTimeout:
            raise
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError, OSError) as error:
            raise DatabaseDownError(f"The database cannot be used: {self._reason(error)}") from error

    def _reason(self, error: Exception) -> str:
        """Return an error's text in one line, without the password that it might quote."""
        reason = " ".join(str(error).split())
        return reason.replace(self._password, "***") if self._password else reason
