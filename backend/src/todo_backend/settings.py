"""The backend's settings, read from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from todo_backend.serving import ServerSettings, SettingsError, number

PORT = 8000

FRONTEND = "http://ai-todo-frontend-service:3000"
"""The frontend's server, which signs users in, over cluster DNS."""

JWKS_URL = f"{FRONTEND}/api/auth/jwks"

AUDIENCE = "ai-todo-backend"

MCP_SERVER = "http://ai-todo-mcp-service:8001"

OPENAI = "https://api.openai.com/v1"

OPENAI_MODEL = "gpt-4.1-mini"

FRONTEND_ORIGINS = "http://*:30080"
"""The frontend on its NodePort, whatever the node's address is."""

CHAT_SECONDS = 35
"""A chat in flight may take the model's time limit and a little more; the chart's grace period is longer still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the backend is told.

    Attributes:
        database_url: `postgresql://user:password@host/name`, with any parameters that libpq knows.
        version: What /health says; the chart sets it to the image's tag.
        cors_origins: Origins whose pages may call the API; `*` stands for any host.
        issuer: Who must have issued a JWT.
        audience: Whom a JWT must have been issued for.
        jwks_url: Where the issuer's public keys are.
        mcp_url: The MCP server, without the path of its tools.
        openai_key: Key of the assistant's model; without one the assistant understands a few fixed phrases.
        openai_url: Where a model is asked, by the Chat Completions API.
        openai_model: The model's name there.
        ready_seconds: How long /ready waits for the database.
        query_seconds: How long a request waits for the database.
        tool_seconds: How long the assistant waits for a tool.
        model_seconds: How long a user waits for the model, tools included.
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
        """Read the settings.

        Raises:
            SettingsError: A variable is missing or wrong.
        """
        url = env.get("DATABASE_URL", "").strip()
        if not url:
            raise SettingsError("DATABASE_URL is not set")
        origins = _or(env, "CORS_ORIGINS", FRONTEND_ORIGINS)
        return cls(
            database_url=url,
            version=_or(env, "APP_VERSION", "dev"),
            cors_origins=tuple(origin.strip() for origin in origins.split(",") if origin.strip()),
            issuer=_or(env, "BETTER_AUTH_ISSUER", FRONTEND),
            audience=_or(env, "BETTER_AUTH_AUDIENCE", AUDIENCE),
            jwks_url=_url(env, "BETTER_AUTH_JWKS_URL", JWKS_URL),
            mcp_url=_url(env, "MCP_SERVER_URL", MCP_SERVER),
            openai_key=env.get("OPENAI_API_KEY", "").strip(),
            openai_url=_url(env, "OPENAI_BASE_URL", OPENAI),
            openai_model=_or(env, "OPENAI_MODEL", OPENAI_MODEL),
            ready_seconds=number(env, "READY_SECONDS", 2.0),
            server=ServerSettings.of(env, port=PORT, finish_seconds=CHAT_SECONDS),
        )


def _or(env: Mapping[str, str], name: str, default: str) -> str:
    return env.get(name, "").strip() or default


def _url(env: Mapping[str, str], name: str, default: str) -> str:
    """Return a variable's address without a slash at its end."""
    url = _or(env, name, default).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"{name} is {url!r}, which is not an address that begins with http:// or https://")
    return url
