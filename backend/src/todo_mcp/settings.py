"""The settings of the MCP server, read from environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from todo_service.settings import ServerSettings, database_url, number

PORT = 8001

SERVICE_NAME = "ai-todo-mcp-service"
"""The Kubernetes Service in front of this server; clients in the cluster send its name in the Host header."""

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of the MCP server.

    Attributes:
        database_url: `postgresql://user:password@host/name`, with any parameters of libpq.
        version: The version that /health reports; the chart sets it to the image tag.
        hosts: Accepted values of the Host header, without port. A web page that uses DNS rebinding to reach this
            server would send another one.
        ready_seconds: Time limit of the database check in /ready.
        tool_seconds: Time limit of a tool's database query.
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
        """Read the settings from environment variables.

        Raises:
            SettingsError: A variable is missing or invalid.
        """
        return cls(
            database_url=database_url(env),
            version=env.get("APP_VERSION") or "dev",
            hosts=_hosts(env),
            ready_seconds=number(env, "READY_SECONDS", 2.0),
            server=ServerSettings.of(env, port=PORT),
        )


def service_hosts(service: str, namespace: str) -> tuple[str, ...]:
    """Return the DNS names of a Service, from the shortest to the fully qualified one."""
    full = f"{service}.{namespace}.svc.cluster.local"
    return (service, f"{service}.{namespace}", f"{service}.{namespace}.svc", full)


def _hosts(env: Mapping[str, str]) -> tuple[str, ...]:
    allowed = tuple(host.strip() for host in env.get("ALLOWED_HOSTS", "").split(",") if host.strip())
    service = service_hosts(env.get("SERVICE_NAME") or SERVICE_NAME, env.get("POD_NAMESPACE") or "default")
    return (*LOCAL_HOSTS, *service, *allowed)
