"""The PostgreSQL database: its tables, its sessions, and what is wrong with it."""

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
from todo_backend.serving import NotReadyError, SettingsError, hung_up_after, within

T = TypeVar("T")

SCHEMA_LOCK = 0x0D0C_1A2D
"""Key of the advisory lock under which tables are changed: of replicas that start together, one changes them."""

RETRY_SECONDS = 1.0
"""Between attempts to bring the tables up to date while the database does not answer."""

CONNECT_SECONDS = 5

PING_SECONDS = 1.0
"""How long a connection may take to show that it works still: less than /ready gives the database."""

MIGRATE_SECONDS = 60
"""How long one attempt to bring the tables up to date may take, the wait for another replica's included."""

ABANDONED_SECONDS = 10.0
"""After so long without a statement the server ends an attempt, whose lock would else outlive a client that is gone."""

LIVELY: dict[str, int] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
"""How libpq notices within seconds that the other side is gone without a word; by itself it takes hours."""

OUTAGES = (OperationalError, InterfaceError, PoolTimeoutError, TimeoutError, OSError)
"""Errors that are the database's state (no connection, shutting down, too many clients), not a fault of a query."""

log = logging.getLogger(__name__)


class DatabaseDownError(NotReadyError):
    """The database cannot be used now."""


def psycopg_url(url: str) -> URL:
    """Return a database URL with the driver that is installed: `postgres://` and `postgresql://` name none.

    Raises:
        SettingsError: It is not the URL of a PostgreSQL database.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername.partition("+")[0] not in {"postgres", "postgresql"}:
        raise SettingsError("DATABASE_URL is not of the form postgresql://user:password@host/name")
    return parsed.set(drivername="postgresql+psycopg")


class Database:
    """A PostgreSQL database.

    Attributes:
        prepared: Whether its tables are those of this version.
    """

    def __init__(self, url: str, *, query_seconds: float) -> None:
        self._url = psycopg_url(url)
        self._query_seconds = query_seconds
        self._trouble = ""
        self._tried = asyncio.Event()
        self.prepared = False
        self._engine = create_async_engine(
            self._url,
            pool_timeout=CONNECT_SECONDS,
            # Prepared statements do not survive poolers that share connections (Neon has one).
            connect_args={"connect_timeout": CONNECT_SECONDS, "prepare_threshold": None, **LIVELY},
        )
        # A database that was restarted, or a way to it that was lost, costs no request. The pool's own pre-ping waits
        # for an answer as long as the request does.
        event.listen(self._engine.sync_engine, "checkout", self._ping)

    async def prepare(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Bring the tables up to date, and try again until it worked."""
        while not self.prepared:
            self.prepared = await self._prepared()
            self._tried.set()
            if not self.prepared:
                await pause(RETRY_SECONDS)

    async def run(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Return what `work` returns, done in one transaction.

        Raises:
            DatabaseDownError: The database does not answer, or its tables are not there yet.
        """
        await self._first_try(self._query_seconds)
        return await self._limited(self._query_seconds, work)

    async def check(self, seconds: float) -> None:
        """Ask the database for an answer.

        Raises:
            DatabaseDownError: There is none within `seconds`, or the tables are not there yet.
        """
        await self._first_try(seconds)
        await self._limited(seconds, lambda session: session.execute(text("SELECT 1")))

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()

    async def _prepared(self) -> bool:
        """Try to bring the tables up to date; tell whether it worked, and keep what is wrong where it did not."""
        try:
            current = await within(MIGRATE_SECONDS, self._migrate())
        except (SQLAlchemyError, OSError) as error:
            self._note(self._cause(error))
            return False
        except Exception:  # a fault of a step: the pod must say so and not seem to wait
            if not self._trouble:
                log.exception("The tables cannot be brought up to date")
            self._trouble = "The tables cannot be brought up to date; the log of this service has the details"
            return False
        log.info("The tables are %s", "up to date" if current else "those of a newer version")
        return True

    async def _first_try(self, seconds: float) -> None:
        """Wait for the first attempt to prepare the tables, so that who asks at the start is not sent away for it."""
        try:
            await asyncio.wait_for(self._tried.wait(), seconds)
        except TimeoutError as error:
            raise DatabaseDownError(f"The database cannot be used: no answer within {seconds:g} s") from error
        if not self.prepared:
            raise DatabaseDownError(self._trouble)

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
            raise DatabaseDownError(self._cause(error)) from error

    async def _transaction(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
            return await work(session)

    def _ping(self, connection: Any, *_: object) -> None:  # noqa: ANN401 - SQLAlchemy's wrapper has no public type
        """Ask for an answer on a connection that is to be used; without one, none of the pool's is used again."""
        try:
            with hung_up_after(PING_SECONDS, connection.driver_connection.fileno()):
                self._engine.dialect.do_ping(connection)
        except Error as error:
            raise InvalidatePoolError from error

    def _note(self, trouble: str) -> None:
        """Keep what is wrong, and log it once."""
        if trouble != self._trouble:
            log.warning("%s; trying again every %g s", trouble, RETRY_SECONDS)
        self._trouble = trouble

    def _cause(self, error: Exception) -> str:
        """Return what is wrong in one sentence, without the password that a message might quote."""
        reason = " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
        if self._url.password:
            reason = reason.replace(str(self._url.password), "***")
        return f"The database cannot be used: {reason}"
