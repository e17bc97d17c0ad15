"""Settings that the services share, read from environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

LOG_LEVELS = ("debug", "info", "warning", "error")

FINISH_SECONDS = 15
"""Default of finish_seconds. With the default drain it is well below Kubernetes' default grace period of 30 s."""


class SettingsError(Exception):
    """An environment variable is missing or invalid. The message names it and never contains a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How to serve HTTP.

    Attributes:
        port: TCP port, on all addresses.
        log_level: `debug`, `info`, `warning` or `error`.
        drain_seconds: How long to accept requests after SIGTERM.
        finish_seconds: How long requests in flight may take after that.
    """

    port: int
    log_level: str = "info"
    drain_seconds: float = 5.0
    finish_seconds: int = FINISH_SECONDS

    @classmethod
    def of(cls, env: Mapping[str, str], *, port: int, finish_seconds: int = FINISH_SECONDS) -> Self:
        """Read PORT (default: `port`), LOG_LEVEL and DRAIN_SECONDS.

        Raises:
            SettingsError: A variable is invalid.
        """
        level = (env.get("LOG_LEVEL") or "info").lower()
        if level not in LOG_LEVELS:
            raise SettingsError(f"LOG_LEVEL is {level!r}, not one of {', '.join(LOG_LEVELS)}")
        return cls(
            port=int(number(env, "PORT", port)),
            log_level=level,
            drain_seconds=number(env, "DRAIN_SECONDS", 5),
            finish_seconds=finish_seconds,
        )


def database_url(env: Mapping[str, str]) -> str:
    """Read DATABASE_URL.

    Raises:
        SettingsError: It is not set.
    """
    url = env.get("DATABASE_URL", "").strip()
    if not url:
        raise SettingsError("DATABASE_URL is not set")
    return url


def number(env: Mapping[str, str], name: str, default: float) -> float:
    """Read a number; an unset or empty variable means the default.

    Raises:
        SettingsError: The value is not a number, or negative.
    """
    text = env.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise SettingsError(f"{name} is {text!r}, which is not a non-negative number")
    return value
