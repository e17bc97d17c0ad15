"""The PostgreSQL database: connections, transactions and migrations."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from psycopg import Error
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    InvalidatePoolError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from todo_backend.migrations import migrate
from todo_service.postgresql import CONNECTION_OPTIONS, INVALID_URL, DatabaseUnavailableError, unavailable
from todo_service.settings import SettingsError
from todo_service.timeouts import shut_down_after, within

T = TypeVar("T")

SCHEMA_LOCK = 0x0D0C_1A2D
"""Key of the advisory lock for migrations: of several replicas that start at once, one migrates."""

RETRY_SECONDS = 1.0
"""Pause between two attempts to migrate while the database is unavailable."""

CONNECT_SECONDS = 5

PING_SECONDS = 1.0
"""Time limit of the ping before a connection is reused: less than the time limit of /ready."""

MIGRATE_SECONDS = 60
"""Time limit of one attempt to migrate, including the wait for another replica."""

ABANDONED_SECONDS = 10.0
"""The server ends a migration without a statement for so long: the lock must not outlive a client that is gone."""

OUTAGES = (OperationalError, InterfaceError, PoolTimeoutError, TimeoutError, OSError)
"""Exceptions due to the state of the database (no connection, shutting down, too many clients), not to a query."""

log = logging.getLogger(__name__)


def psycopg_url(url: str) -> URL:
    """Return a database URL for SQLAlchemy with the driver psycopg, whichever driver it names.

    Raises:
        SettingsError: It is not the URL of a PostgreSQL database.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername.partition("+")[0] not in {"postgres", "postgresql"}:
        raise SettingsError(INVALID_URL)
    return parsed.set(drivername="postgresql+psycopg")


class Database:
    """A PostgreSQL database.

    Attributes:
        migrated: Whether the tables are those of this version.
    """

    def __init__(self, url: str, *, query_seconds: float) -> None:
        self._url = psycopg_url(url)
        self._query_seconds = query_seconds
        self._reason = ""
        self._attempted = asyncio.Event()
        self.migrated = False
        self._engine = create_async_engine(
            self._url,
            pool_timeout=CONNECT_SECONDS,
            connect_args={"connect_timeout": CONNECT_SECONDS, **CONNECTION_OPTIONS},
        )
        # A restart of the database or a lost route to it then fails no request. SQLAlchemy's own option pool_pre_ping
        # has no time limit.
        event.listen(self._engine.sync_engine, "checkout", self._ping)

    async def prepare(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Migrate, and try again until that succeeds."""
        while not self.migrated:
            self.migrated = await self._try_to_migrate()
            self._attempted.set()
            if not self.migrated:
                await pause(RETRY_SECONDS)

    async def run(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Run `work` in a transaction, and return its result.

        Raises:
            DatabaseUnavailableError: The database does not answer, or is not migrated yet.
        """
        await self._first_attempt(self._query_seconds)
        return await self._limited(self._query_seconds, work)

    async def check(self, seconds: float) -> None:
        """Check that the database answers.

        Raises:
            DatabaseUnavailableError: It does not answer within `seconds`, or is not migrated yet.
        """
        await self._first_attempt(seconds)
        await self._limited(seconds, lambda session: session.execute(text("SELECT 1")))

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()

    async def _try_to_migrate(self) -> bool:
        """Migrate once; return whether that succeeded, and keep the reason if it did not."""
        try:
            current = await within(MIGRATE_SECONDS, self._migrate())
        except (SQLAlchemyError, OSError) as error:
            self._keep_reason(str(self._unavailable(error)))
            return False
        except Exception:  # a bug in a migration: /ready must say so instead of waiting for the database
            if not self._reason:
                log.exception("The migration failed")
            self._reason = "The tables cannot be brought up to date; the log of this service has the details"
            return False
        log.info("The tables are %s", "up to date" if current else "those of a newer version")
        return True

    async def _first_attempt(self, seconds: float) -> None:
        """Wait for the first attempt to migrate, so that requests right after the start do not fail."""
        try:
            await asyncio.wait_for(self._attempted.wait(), seconds)
        except TimeoutError as error:
            raise self._unavailable(TimeoutError(f"no answer within {seconds:g} s")) from error
        if not self.migrated:
            raise DatabaseUnavailableError(self._reason)

    async def _migrate(self) -> bool:
        async with self._engine.begin() as connection:
            abandoned = {"name": "idle_in_transaction_session_timeout", "value": f"{ABANDONED_SECONDS * 1000:.0f}"}
            await connection.execute(text("SELECT set_config(:name, :value, true)"), abandoned)
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
            return await connection.run_sync(migrate)

    async def _limited(self, seconds: float, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        try:
            return await within(seconds, self._transaction(work))
        except OUTAGES as error:
            raise self._unavailable(error) from error

    async def _transaction(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
            return await work(session)

    def _ping(self, connection: Any, *_: object) -> None:  # noqa: ANN401 - SQLAlchemy's wrapper has no public type
        """Check that a pooled connection still works; if it does not, discard all connections of the pool."""
        try:
            with shut_down_after(PING_SECONDS, connection.driver_connection.fileno()):
                self._engine.dialect.do_ping(connection)
        except Error as error:
            raise InvalidatePoolError from error

    def _keep_reason(self, reason: str) -> None:
        """Keep the reason of a failed attempt, and log it if it is a new one."""
        if reason != self._reason:
            log.warning("%s; trying again every %g s", reason, RETRY_SECONDS)
        self._reason = reason

    def _unavailable(self, error: Exception) -> DatabaseUnavailableError:
        cause = error.orig if isinstance(error, DBAPIError) and isinstance(error.orig, Exception) else error
        return unavailable(cause, str(self._url.password or ""))
