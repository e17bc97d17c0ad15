"""Hosts in URLs, and the Services they mean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.checks.hosts import Asked, default_port, hosts, service_of, upstreams

URLS = {
    "http://web:8000/path": [Asked("http", "web", "8000")],
    "HTTPS://Web": [Asked("https", "web", "")],
    "postgresql+asyncpg://user:p@ss:word@db:5432/todo": [Asked("postgresql", "db", "5432")],
    "jdbc:postgresql://db/todo": [Asked("postgresql", "db", "")],
    "mongodb://a:27017,b:27018/x": [Asked("mongodb", "a", "27017"), Asked("mongodb", "b", "27018")],
    "proxy_pass http://web:80; # and https://api?x=1": [Asked("http", "web", "80")],
    "# example: http://host:8080/path": [],
    "a: http://web\n  // http://host\n; http://host\nb: http://api#c": [
        Asked("http", "web", ""),
        Asked("http", "api", ""),
    ],
    "proxy_pass http://unix:/run/app.sock;": [],
    "proxy_pass http://unix:80;": [Asked("http", "unix", "80")],
    '{"url":"ws://hub/x"}': [Asked("ws", "hub", "")],
    "http://web.default.svc.cluster.local.": [Asked("http", "web.default.svc.cluster.local.", "")],
    "http://web:0080": [Asked("http", "web", "80")],
    "http://$HOST:80": [],
    "http://${HOST}/": [],
    "http://{host}/": [],
    "http://[::1]:80/": [],
    "http://web:port/": [],
    "http:///path": [],
    "s3://bucket/key": [],
    "file://host/path": [],
    "unix://run/x.sock": [],
    "web:8000": [],
    "": [],
}


@pytest.mark.parametrize(("text", "found"), URLS.items())
def test_hosts_are_found_in_urls(text: str, found: list[Asked]) -> None:
    """Of schemes that name a host of a network; users, passwords and placeholders are left out."""
    assert list(hosts(text)) == found


def test_upstreams_are_the_names_that_nginx_gives_to_groups_of_servers() -> None:
    """In the spelling of URLs."""
    assert upstreams("upstream App_1 {\n server a; }\nhttp { upstream b.c{} } my-upstream d {} upstream $e {}") == {
        "app_1",
        "b.c",
    }


def test_a_very_long_address_is_passed_over() -> None:
    """Nobody configured that."""
    assert list(hosts(f"http://{'a' * 5000}")) == []


@settings(deadline=None)
@given(st.text(alphabet="ahtp:/@,.[]-$ \n", max_size=300))
def test_any_text_can_be_searched(text: str) -> None:
    """What is found is a host, and no part of a password."""
    assert all(asked.host and "@" not in asked.host for asked in hosts(text))


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("web", "web"),
        ("web.", "web"),
        ("web.todo", "web"),
        ("web.todo.svc", "web"),
        ("web.todo.svc.cluster.local", "web"),
        ("web-0.web.todo.svc.cluster.local", "web"),
        ("web.other", ""),
        ("web.other.svc.cluster.local", ""),
        ("svc.cluster.local", ""),
        (".svc", ""),
        ("api.example.org", ""),
        ("host.docker.internal", ""),
        ("127.0.0.1", ""),
        ("localhost", ""),
        ("10", ""),
    ],
)
def test_a_host_means_a_service_of_its_namespace(host: str, service: str) -> None:
    """In all the forms that the cluster's DNS knows; others are elsewhere."""
    assert service_of(host, "todo") == service


@pytest.mark.parametrize(("scheme", "port"), [("http", "80"), ("postgresql", "5432"), ("tcp", ""), ("other", "")])
def test_a_scheme_may_mean_a_port(scheme: str, port: str) -> None:
    """Where it does not, none is compared."""
    assert default_port(scheme) == port
