"""The MCP server's settings, read from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from todo_mcp.serving import ServerSettings, SettingsError, number

PORT = 8001

SERVICE_NAME = "ai-todo-mcp-service"
"""The Kubernetes Service in front of this server; clients in the cluster name it in their Host header."""

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the MCP server is told.

    Attributes:
        database_url: `postgresql://user:password@host/name`, with any parameters that libpq knows.
        version: What /health says; the chart sets it to the image's tag.
        hosts: Names, without ports, under which clients may ask for tools. A web page that made its own name lead here
            (DNS rebinding) would come with another one.
        ready_seconds: How long /ready waits for the database.
        tool_seconds: How long a tool waits for the database.
        server: How to serve.
    """

    database_url: str = field(repr=False)
    version: str = "dev"
    hosts: tuple[str, ...] = LOCAL_HOSTS
    ready_seconds: float = 2.0
    tool_seconds: float = 2.0
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
        return cls(
            database_url=url,
            version=env.get("APP_VERSION") or "dev",
            hosts=_hosts(env),
            ready_seconds=number(env, "READY_SECONDS", 2.0),
            server=ServerSettings.of(env, port=PORT),
        )


def service_hosts(service: str, namespace: str) -> tuple[str, ...]:
    """Return the DNS names of a Service, from the shortest to the whole one."""
    full = f"{service}.{namespace}.svc.cluster.local"
    return (service, f"{service}.{namespace}", f"{service}.{namespace}.svc", full)


def _hosts(env: Mapping[str, str]) -> tuple[str, ...]:
    named = tuple(host.strip() for host in env.get("ALLOWED_HOSTS", "").split(",") if host.strip())
    service = service_hosts(env.get("SERVICE_NAME") or SERVICE_NAME, env.get("POD_NAMESPACE") or "default")
    return (*LOCAL_HOSTS, *service, *named)
