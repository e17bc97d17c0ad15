"""What both services need to notice quickly that their database is gone, and to say why."""

from todo_service.health import NotReadyError

CONNECTION_OPTIONS: dict[str, int | None] = {
    # Prepared statements do not work with poolers that share connections, such as the one of Neon.
    "prepare_threshold": None,
    # With these values libpq notices within seconds that the other end is gone; with the defaults it takes hours.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
"""Options of psycopg for every connection."""

INVALID_URL = "DATABASE_URL is not of the form postgresql://user:password@host/name"


class DatabaseUnavailableError(NotReadyError):
    """The database cannot be used now."""


def unavailable(error: Exception, password: str) -> DatabaseUnavailableError:
    """Return an error with the reason in one line, without the password that the reason might quote."""
    reason = " ".join(str(error).split())
    return DatabaseUnavailableError(
        f"The database cannot be used: {reason.replace(password, '***') if password else reason}"
    )
