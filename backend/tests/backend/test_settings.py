"""Settings from environment variables."""

import pytest

from todo_backend.database import psycopg_url
from todo_backend.settings import Settings
from todo_service.settings import ServerSettings, SettingsError

URL = "postgresql://todo:s3cret@db.example:5432/todo?sslmode=require&channel_binding=require"


def test_only_the_database_is_required() -> None:
    """All other settings have defaults."""
    settings = Settings.of({"DATABASE_URL": URL})

    assert settings == Settings(database_url=URL)
    assert settings.server == ServerSettings(port=8000, log_level="info", drain_seconds=5, finish_seconds=35)


def test_everything_can_be_set() -> None:
    """Each variable sets its setting; an empty variable means the default."""
    settings = Settings.of(
        {
            "DATABASE_URL": f" {URL}\n",
            "APP_VERSION": "0.0.0-abc",
            "CORS_ORIGINS": "https://a.example, https://b.example",
            "READY_SECONDS": "0.5",
            "DRAIN_SECONDS": "0",
            "LOG_LEVEL": "DEBUG",
            "PORT": "",
            "BETTER_AUTH_ISSUER": "https://todo.example",
            "BETTER_AUTH_AUDIENCE": "api",
            "BETTER_AUTH_JWKS_URL": "https://todo.example/jwks",
            "MCP_SERVER_URL": "http://tools:8001/",
            "OPENAI_API_KEY": "sk-s3cret\n",
            "OPENAI_BASE_URL": "http://model.example/v1/",
            "OPENAI_MODEL": "small",
        }
    )

    assert settings == Settings(
        database_url=URL,
        version="0.0.0-abc",
        cors_origins=("https://a.example", "https://b.example"),
        issuer="https://todo.example",
        audience="api",
        jwks_url="https://todo.example/jwks",
        mcp_url="http://tools:8001",
        openai_key="sk-s3cret",
        openai_url="http://model.example/v1",
        openai_model="small",
        ready_seconds=0.5,
        server=ServerSettings(port=8000, log_level="debug", drain_seconds=0, finish_seconds=35),
    )


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({}, "DATABASE_URL"),
        ({"DATABASE_URL": " "}, "DATABASE_URL"),
        ({"DATABASE_URL": URL, "DRAIN_SECONDS": "soon"}, "DRAIN_SECONDS"),
        ({"DATABASE_URL": URL, "DRAIN_SECONDS": "-1"}, "DRAIN_SECONDS"),
        ({"DATABASE_URL": URL, "DRAIN_SECONDS": "nan"}, "DRAIN_SECONDS"),
        ({"DATABASE_URL": URL, "LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"DATABASE_URL": URL, "MCP_SERVER_URL": "tools:8001"}, "MCP_SERVER_URL"),
        ({"DATABASE_URL": URL, "BETTER_AUTH_JWKS_URL": "file:///etc/passwd"}, "BETTER_AUTH_JWKS_URL"),
        ({"DATABASE_URL": URL, "OPENAI_BASE_URL": "v1"}, "OPENAI_BASE_URL"),
    ],
)
def test_an_invalid_variable_is_named(env: dict[str, str], named: str) -> None:
    """The error names the variable."""
    with pytest.raises(SettingsError, match=named):
        Settings.of(env)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_any_postgresql_url_is_accepted(scheme: str) -> None:
    """The driver in the URL is replaced, the parameters stay."""
    url = psycopg_url(URL.replace("postgresql", scheme))

    assert url.drivername == "postgresql+psycopg"
    assert (url.host, url.query["sslmode"]) == ("db.example", "require")


@pytest.mark.parametrize("url", ["mysql://todo:s3cret@db/todo", "todo", "postgresql://todo:s3cret@db:port/todo"])
def test_another_url_is_rejected_without_showing_its_password(url: str) -> None:
    """The error names the variable but does not quote its value."""
    with pytest.raises(SettingsError, match="DATABASE_URL is not of the form") as caught:
        psycopg_url(url)

    assert "s3cret" not in str(caught.value)


def test_settings_hide_secrets() -> None:
    """The representation of the settings shows neither the database password nor the API key."""
    assert "s3cret" not in repr(Settings(database_url=URL, openai_key="sk-s3cret"))
