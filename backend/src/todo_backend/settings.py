"""The backend's settings, read from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from todo_service.settings import ServerSettings, SettingsError, database_url, number

PORT = 8000

FRONTEND = "http://ai-todo-frontend-service:3000"
"""The server of the frontend, which signs users in."""

JWKS_URL = f"{FRONTEND}/api/auth/jwks"

AUDIENCE = "ai-todo-backend"

MCP_SERVER = "http://ai-todo-mcp-service:8001"

OPENAI = "https://api.openai.com/v1"

OPENAI_MODEL = "gpt-4.1-mini"

FRONTEND_ORIGINS = "http://*:30080"
"""The frontend on its NodePort, at any address of the node."""

CHAT_SECONDS = 35
"""How long a chat request may take to finish: a little more than the model's time limit, and less than the grace period
of the chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of the backend.

    Attributes:
        database_url: `postgresql://user:password@host/name`, with any parameters of libpq.
        version: The version that /health reports; the chart sets it to the image tag.
        cors_origins: Origins whose pages may call the API; `*` in an origin is any host.
        issuer: Required issuer of a JWT.
        audience: Required audience of a JWT.
        jwks_url: URL of the issuer's public keys.
        mcp_url: Base URL of the MCP server.
        openai_key: API key of the language model; without one the assistant understands a few phrases.
        openai_url: Base URL of the Chat Completions API.
        openai_model: Name of the language model.
        ready_seconds: Time limit of the database check in /ready.
        query_seconds: Time limit of a database transaction.
        tool_seconds: Time limit of a tool call.
        model_seconds: Time limit of the language model's reply, including tool calls.
        server: How to serve.
    """

    database_url: str = field(repr=False)
    version: str = "dev"
    cors_origins: tuple[str, ...] = (FRONTEND_ORIGINS,)
    issuer: str = FRONTEND
    audience: str = AUDIENCE
    jwks_url: str = JWKS_URL
    mcp_url: str = MCP_SERVER
    openai_key: str = field(default="", repr=False)
    openai_url: str = OPENAI
    openai_model: str = OPENAI_MODEL
    ready_seconds: float = 2.0
    query_seconds: float = 10.0
    tool_seconds: float = 2.0
    model_seconds: float = 30.0
    server: ServerSettings = field(default_factory=lambda: ServerSettings(port=PORT, finish_seconds=CHAT_SECONDS))

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Self:
        """Read the settings from environment variables.

        Raises:
            SettingsError: A variable is missing or invalid.
        """
        origins = _text(env, "CORS_ORIGINS", FRONTEND_ORIGINS)
        return cls(
            database_url=database_url(env),
            version=_text(env, "APP_VERSION", "dev"),
            cors_origins=tuple(origin.strip() for origin in origins.split(",") if origin.strip()),
            issuer=_text(env, "BETTER_AUTH_ISSUER", FRONTEND),
            audience=_text(env, "BETTER_AUTH_AUDIENCE", AUDIENCE),
            jwks_url=_url(env, "BETTER_AUTH_JWKS_URL", JWKS_URL),
            mcp_url=_url(env, "MCP_SERVER_URL", MCP_SERVER),
            openai_key=env.get("OPENAI_API_KEY", "").strip(),
            openai_url=_url(env, "OPENAI_BASE_URL", OPENAI),
            openai_model=_text(env, "OPENAI_MODEL", OPENAI_MODEL),
            ready_seconds=number(env, "READY_SECONDS", 2.0),
            server=ServerSettings.of(env, port=PORT, finish_seconds=CHAT_SECONDS),
        )


def _text(env: Mapping[str, str], name: str, default: str) -> str:
    """Read a string; an unset or blank variable means the default."""
    return env.get(name, "").strip() or default


def _url(env: Mapping[str, str], name: str, default: str) -> str:
    """Read a URL, without a trailing slash."""
    url = _text(env, name, default).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"{name} is {url!r}, which is not a URL with http:// or https://")
    return url
