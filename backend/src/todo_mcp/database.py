"""The tasks of users in PostgreSQL; the backend creates the table."""

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

from todo_service.postgresql import CONNECTION_OPTIONS, INVALID_URL, DatabaseUnavailableError, unavailable
from todo_service.settings import SettingsError
from todo_service.timeouts import shut_down_after, within

T = TypeVar("T")

CONNECTIONS = 5
CONNECT_SECONDS = 2

PING_SECONDS = 0.5
"""Time limit of the ping before a connection is reused; it leaves a call enough time to make a new connection."""

OPTIONS: dict[str, Any] = {"autocommit": True, "connect_timeout": CONNECT_SECONDS, **CONNECTION_OPTIONS}

COLUMNS = "id, title, completed, created_at, updated_at"

LIST = f"""
SELECT {COLUMNS} FROM tasks
WHERE user_id = %(user_id)s AND (%(completed)s::boolean IS NULL OR completed = %(completed)s)
ORDER BY id LIMIT %(limit)s
"""  # noqa: S608 - COLUMNS is a constant

ADD = f"INSERT INTO tasks (user_id, title) VALUES (%(user_id)s, %(title)s) RETURNING {COLUMNS}"  # noqa: S608

UPDATE = f"""
UPDATE tasks
SET title = coalesce(%(title)s, title), completed = coalesce(%(completed)s, completed), updated_at = now()
WHERE user_id = %(user_id)s AND id = %(task_id)s RETURNING {COLUMNS}
"""  # noqa: S608

DELETE = f"DELETE FROM tasks WHERE user_id = %(user_id)s AND id = %(task_id)s RETURNING {COLUMNS}"  # noqa: S608


class Task(BaseModel):
    """A task. Times are ISO 8601 with an offset from UTC."""

    id: int
    title: str
    completed: bool
    created_at: datetime
    updated_at: datetime


def libpq_url(url: str) -> str:
    """Return a database URL for libpq: without the name of a driver.

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
        raise SettingsError(INVALID_URL)
    return plain


class Database:
    """A PostgreSQL database."""

    def __init__(self, url: str, *, tool_seconds: float) -> None:
        self._url = libpq_url(url)
        self._tool_seconds = tool_seconds
        self._password = str(conninfo_to_dict(self._url).get("password") or "")
        # The pool keeps no minimum of connections, and does not retry in the background: its pause between attempts
        # grows, and after an outage a request would have to wait for it.
        self._pool = AsyncConnectionPool(
            self._url,
            kwargs=OPTIONS,
            min_size=0,
            max_size=CONNECTIONS,
            open=False,
            check=self._ping,
            timeout=0.75 * tool_seconds,  # the rest is for finding out why there is no connection
            reconnect_timeout=1,
        )

    async def open(self) -> None:
        """Open the pool; this does not need the database yet."""
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # callers get the reason of a failure
        await self._pool.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    async def tasks(self, user: str, *, completed: bool | None, limit: int) -> list[Task]:
        """Return the tasks of a user, oldest first.

        Args:
            user: The id of the user.
            completed: Only completed or only open tasks; None: all.
            limit: The maximum number.

        Raises:
            DatabaseUnavailableError: The database does not answer, or has no tasks table yet.
        """
        return await self._rows(LIST, user_id=user, completed=completed, limit=limit)

    async def add(self, user: str, title: str) -> Task:
        """Add a task of a user, and return it.

        Raises:
            DatabaseUnavailableError: The database does not answer, or has no tasks table yet.
        """
        return (await self._rows(ADD, user_id=user, title=title))[0]

    async def update(self, user: str, task_id: int, *, title: str | None, completed: bool | None) -> Task | None:
        """Change those fields of a task that are not None, and return it; None if the user has no such task.

        Raises:
            DatabaseUnavailableError: The database does not answer, or has no tasks table yet.
        """
        rows = await self._rows(UPDATE, user_id=user, task_id=task_id, title=title, completed=completed)
        return rows[0] if rows else None

    async def delete(self, user: str, task_id: int) -> Task | None:
        """Delete a task, and return it as it was; None if the user has no such task.

        Raises:
            DatabaseUnavailableError: The database does not answer, or has no tasks table yet.
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
            raise unavailable(TimeoutError("all connections to it are busy"), self._password) from error

    async def _ping(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Check that a pooled connection still works; if it does not, discard all connections of the pool."""
        try:
            with shut_down_after(PING_SECONDS, connection.fileno()):
                await AsyncConnectionPool.check_connection(connection)
        except psycopg.Error:
            await self._pool.drain()
            raise

    async def check(self, seconds: float) -> None:
        """Check that the database answers, on a new connection, whose error tells the reason if it does not.

        Raises:
            DatabaseUnavailableError: It does not answer within `seconds`.
        """

        async def work() -> None:
            async with await psycopg.AsyncConnection.connect(self._url, **OPTIONS) as connection:
                await connection.execute("SELECT 1")

        await self._limited(seconds, work)

    async def _limited(self, seconds: float, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        try:
            return await within(seconds, work())
        except (UndefinedTable, UndefinedColumn) as error:
            raise DatabaseUnavailableError("The backend has not created the tasks table yet") from error
        except PoolTimeout:
            raise
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError, OSError) as error:
            raise unavailable(error, self._password) from error
