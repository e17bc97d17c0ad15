"""Settings from environment variables."""

import pytest

from todo_mcp.database import libpq_url
from todo_mcp.settings import Settings
from todo_service.settings import ServerSettings, SettingsError

URL = "postgresql://todo:s3cret@db.example:5432/todo?sslmode=require"


def test_only_the_database_is_required() -> None:
    """Other settings have defaults; the accepted hosts are this machine and the Service in namespace `default`."""
    settings = Settings.of({"DATABASE_URL": URL})

    assert settings.server == ServerSettings(port=8001, log_level="info", drain_seconds=5)
    assert "ai-todo-mcp-service.default.svc.cluster.local" in settings.hosts


def test_the_service_may_have_another_name() -> None:
    """The accepted hosts include the DNS names that follow from SERVICE_NAME and POD_NAMESPACE."""
    settings = Settings.of({"DATABASE_URL": URL, "SERVICE_NAME": "tools", "POD_NAMESPACE": "shop"})

    assert settings.hosts[-4:] == ("tools", "tools.shop", "tools.shop.svc", "tools.shop.svc.cluster.local")


def test_a_missing_database_is_named() -> None:
    """The error names the variable."""
    with pytest.raises(SettingsError, match="DATABASE_URL is not set"):
        Settings.of({"DATABASE_URL": "\n"})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_any_postgresql_url_is_accepted(scheme: str) -> None:
    """The name of a driver, as in URLs for SQLAlchemy, is removed."""
    assert libpq_url(URL.replace("postgresql", scheme)) == URL


@pytest.mark.parametrize("url", ["mysql://todo:s3cret@db/todo", "todo", "host=db password=s3cret", f"{URL}&color=red"])
def test_another_url_is_rejected_without_showing_its_password(url: str) -> None:
    """The error names the variable but does not quote its value."""
    with pytest.raises(SettingsError, match="DATABASE_URL is not of the form") as caught:
        libpq_url(url)

    assert "s3cret" not in str(caught.value)


def test_settings_hide_the_database_url() -> None:
    """The representation of the settings shows no password."""
    assert "s3cret" not in repr(Settings(database_url=URL))
