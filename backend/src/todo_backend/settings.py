"""The backend's settings, read from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from todo_backend.serving import ServerSettings, SettingsError, number

PORT = 8000

FRONTEND_ORIGINS = "http://*:30080"
"""The frontend on its NodePort, whatever the node's address is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the backend is told.

    Attributes:
        database_url: `postgresql://user:password@host/name`, with any parameters that libpq knows.
        version: What /health says; the chart sets it to the image's tag.
        cors_origins: Origins whose pages may call the API; `*` stands for any host.
        ready_seconds: How long /ready waits for the database.
        query_seconds: How long a request waits for the database.
        server: How to serve.
    """

    database_url: str = field(repr=False)
    version: str = "dev"
    cors_origins: tuple[str, ...] = (FRONTEND_ORIGINS,)
    ready_seconds: float = 2.0
    query_seconds: float = 10.0
    server: ServerSettings = field(default_factory=lambda: ServerSettings(port=PORT))

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Self:
        """Read the settings.

        Raises:
            SettingsError: A variable is missing or wrong.
        """
        url = env.get("DATABASE_URL", "").strip()
        if not url:
            raise SettingsError("DATABASE_URL is not set")
        origins = env.get("CORS_ORIGINS") or FRONTEND_ORIGINS
        return cls(
            database_url=url,
            version=env.get("APP_VERSION") or "dev",
            cors_origins=tuple(origin.strip() for origin in origins.split(",") if origin.strip()),
            ready_seconds=number(env, "READY_SECONDS", 2.0),
            server=ServerSettings.of(env, port=PORT),
        )
