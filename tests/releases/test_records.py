"""Helm's own records, and the ledger of what was seen Ready."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.model.errors import ApiRefusedError
from dockyard.releases.records import (
    KEPT,
    LEDGER,
    ReleaseRecord,
    Revision,
    decode,
    forget,
    mark_good,
    read_records,
)
from dockyard.tools.helm import SENT
from tests.releases.objects import deployment, text
from tests.releases.server import Server, pack, packed_plain, release_secret

MADE = datetime(2026, 11, 23, 20, 51, 2, 123456, tzinfo=UTC)


def content(**more: object) -> dict[str, Any]:
    """Return a release as Helm 3 and 4 keep it, cut down to what is read of it and some that is not."""
    return {
        "name": "web",
        "namespace": "default",
        "version": 7,
        "info": {
            "first_deployed": "2026-11-20T08:00:00.5Z",
            "last_deployed": "2026-11-23T20:51:02.123456789Z",
            "deleted": "",
            "description": "Upgrade complete",
            "status": "deployed",
        },
        "chart": {"metadata": {"name": "web", "version": "1.0.0", "appVersion": "0.0.0-abc"}, "templates": []},
        "config": {"secrets": {"KEY": "hunter2"}},
        "manifest": text(deployment()),
        **more,
    }


def test_a_record_of_helm_is_read() -> None:
    """Gzip within base64 within the Secret's own base64; a time has Go's nanoseconds."""
    found = decode(release_secret("web", 7, pack(content())))
    assert found is not None
    assert (found.release, found.number, found.status, found.updated) == ("web", 7, "deployed", MADE)
    assert (found.app_version, found.description, found.uid) == ("0.0.0-abc", "Upgrade complete", "uid-web-7")
    assert [str(name) for name in found.manifests.objects] == ["deployment/web"]


def test_a_record_that_is_not_packed_is_read() -> None:
    """Helm reads those of its first days, too."""
    found = decode(release_secret("web", 7, packed_plain(content())))
    assert found is not None
    assert found.number == 7


def test_what_helm_leaves_out_is_empty() -> None:
    """A chart without an appVersion, a release without a remark or a time that can be read."""
    found = decode(release_secret("web", 1, pack({"name": "web", "version": 1, "info": {"status": "failed"}})))
    assert found == Revision("web", 1, "failed", datetime.fromtimestamp(0, UTC), "", "", "uid-web-1", "")


def test_no_manifest_stands_in_a_repr() -> None:
    """A log or a failed assertion shows reprs, and a manifest holds Secrets."""
    secret = {"kind": "Secret", "metadata": {"name": "web"}, "stringData": {"KEY": "hunter2"}}
    assert "hunter2" not in repr(decode(release_secret("web", 7, pack(content(manifest=text(secret))))))


TORN: dict[str, Any] = {
    "no data": {},
    "null": {"release": None},
    "no base64": {"release": "###"},
    "base64 once": {"release": "aGVsbG8="},
    "half of it": {"release": pack({"name": "web"})[:40]},
    "another form": {"release": pack([1, 2])},
    "no version": {"release": pack(content(version=None))},
    "no info": {"release": pack(content(info=None))},
}


@pytest.mark.parametrize("data", TORN.values(), ids=TORN)
def test_what_is_not_in_helms_form_is_no_release(data: dict[str, Any]) -> None:
    """Somebody else's Secret is not worth a traceback."""
    secret = {**release_secret("web", 1, ""), "data": data}
    assert decode(secret) is None


@given(st.dictionaries(st.text(), st.none() | st.text() | st.binary().map(lambda raw: raw.hex())))
def test_no_secret_is_too_odd_to_read(data: dict[str, Any]) -> None:
    """Whatever is in it."""
    assert decode({"metadata": {}, "data": data}) is None


@pytest.fixture
def server() -> Server:
    """A namespace with three revisions of one release, and one of another."""
    made = Server()
    for number, status in enumerate(("superseded", "superseded", "deployed"), start=1):
        made.hold(release_secret("web", number, pack(content(version=number, info={"status": status}))))
    made.hold(release_secret("api", 1, pack(content(name="api", version=1))))
    made.hold({"kind": "Secret", "metadata": {"name": "web-secrets", "labels": {}}, "type": "Opaque", "data": {}})
    return made


def test_releases_are_read_in_every_state(server: Server) -> None:
    """In one question for all; revisions come oldest first, ten after nine."""
    server.hold(release_secret("web", 10, pack(content(version=10, info={"status": "pending-upgrade"}))))
    found = read_records(server)
    assert sorted(found) == ["api", "web"]
    assert [entry.number for entry in found["web"].revisions] == [1, 2, 3, 10]
    assert (found["web"].newest.number, found["web"].pending, found["api"].pending) == (10, True, False)
    assert server.asked == ["list Secret owner=helm type=helm.sh/release.v1", f"get ConfigMap {LEDGER}"]


def test_an_empty_namespace_has_no_releases() -> None:
    """A cluster that was just made."""
    assert read_records(Server()) == {}


def test_what_was_seen_ready_is_known_to_another_machine(server: Server) -> None:
    """It stands in the cluster, beside the releases."""
    web = read_records(server)["web"]
    mark_good(server, web.revisions[1], accepted=["deployment/web spec.b", "deployment/web spec.a"])
    again = read_records(server)
    assert again["web"].good == frozenset({2})
    assert again["web"].accepted == {"deployment/web spec.a", "deployment/web spec.b"}
    assert again["api"].good == frozenset()


def test_marks_add_up_and_releases_keep_apart(server: Server) -> None:
    """Two that are deployed side by side write into one ledger."""
    found = read_records(server)
    for entry in (found["web"].revisions[0], found["api"].newest, found["web"].newest):
        mark_good(server, entry)
    again = read_records(server)
    assert (again["web"].good, again["api"].good) == (frozenset({1, 3}), frozenset({1}))


def test_the_number_alone_makes_no_revision_good(server: Server) -> None:
    """Numbers begin anew when a release is removed and installed again: the Secret's uid tells them apart."""
    mark_good(server, read_records(server)["api"].newest)
    server.hold(
        {**release_secret("api", 1, pack(content(name="api", version=1))), "metadata": {"name": "x", "uid": "n"}}
    )
    server.drop("Secret", "sh.helm.release.v1.api.v1")
    server.objects["Secret", "x"]["metadata"]["labels"] = {"owner": "helm"}
    assert read_records(server)["api"].good == frozenset()


def test_the_ledger_does_not_grow_without_end(server: Server) -> None:
    """The oldest marks go first."""
    for number in range(1, KEPT + 6):
        mark_good(server, Revision("web", number, "deployed", MADE, "", "", f"uid-{number}"))
    page = json.loads(server.objects["ConfigMap", LEDGER]["data"]["web"])
    assert list(page["good"].values()) == list(range(6, KEPT + 6))


def test_a_ledger_that_another_made_first_is_used(server: Server) -> None:
    """Two releases become Ready at the same moment."""
    web = read_records(server)["web"]

    class Beaten(Server):
        """A server on which another is always quicker."""

        def create(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
            """Refuse."""
            super().create(kind, body)
            raise ApiRefusedError(409, "AlreadyExists", LEDGER)

    beaten = Beaten()
    beaten.objects = server.objects
    mark_good(beaten, web.newest)
    assert read_records(beaten)["web"].good == frozenset({3})


@pytest.mark.parametrize(
    "page",
    ["", "{", "[]", '"x"', "7", '{"good": 1}', '{"good": {"uid-web-3": "3"}}', '{"accepted": [[1]]}', '{"good": null}'],
)
def test_a_ledger_that_cannot_be_read_counts_as_none(server: Server, page: str) -> None:
    """Somebody's editor was in it; the releases are what they are."""
    server.hold({"kind": "ConfigMap", "metadata": {"name": LEDGER}, "data": {"web": page}})
    assert read_records(server)["web"].good == frozenset()
    mark_good(server, read_records(server)["web"].newest)
    assert read_records(server)["web"].good == frozenset({3})


def test_a_release_that_was_removed_is_forgotten(server: Server) -> None:
    """Others stay; where there is no ledger nothing is to be forgotten."""
    forget(server, "web")
    assert ("ConfigMap", LEDGER) not in server.objects
    found = read_records(server)
    mark_good(server, found["web"].newest)
    mark_good(server, found["api"].newest)
    forget(server, "web")
    assert list(server.objects["ConfigMap", LEDGER]["data"]) == ["api"]


def record(*statuses: str, good: tuple[int, ...] = ()) -> ReleaseRecord:
    """Return a release with revisions of these states, each of another content."""
    revisions = (
        Revision("web", number, status, MADE, "", "", f"uid-{number}", f"# {number}")
        for number, status in enumerate(statuses, start=1)
    )
    return ReleaseRecord("web", tuple(revisions), frozenset(good))


@pytest.mark.parametrize(
    ("there", "but", "number"),
    [
        (record("superseded", "superseded", "deployed", good=(1,)), None, 1),
        (record("superseded", "superseded", "deployed", good=(1, 2)), 3, 2),
        (record("superseded", "superseded", "deployed"), None, 3),
        (record("superseded", "superseded", "deployed"), 3, 2),
        (record("superseded", "failed", "pending-upgrade"), 3, 1),
        (record("failed", "pending-upgrade"), 2, None),
        (record("pending-install"), None, None),
        (record("deployed", good=(1,)), 1, None),
        (record("superseded", "failed", good=(2,)), None, 2),
    ],
    ids=[
        *("seen Ready before deployed", "the newest seen", "never seen: deployed", "but that one", "over failed ones"),
        *("none was deployed", "killed", "the only one", "failed later, was Ready"),
    ],
)
def test_the_revision_to_go_back_to(there: ReleaseRecord, but: int | None, number: int | None) -> None:
    """The newest that Dockyard saw Ready; where it saw none, the newest that Helm deployed."""
    found = there.last_good(but=but)
    assert (found.number if found else None) == number


def test_what_dockyard_sent_and_never_saw_ready_is_nothing_to_go_back_to() -> None:
    """A first install that was kept although it failed; others' revisions are taken as Helm tells of them."""
    first, second = record("superseded", "deployed").revisions
    ours = ReleaseRecord("web", (replace(first, description=SENT), second))
    assert ours.last_good(but=2) is None
    assert replace(ours, good=frozenset({1})).last_good(but=2) == ours.revisions[0]
    assert ReleaseRecord("web", (first, second)).last_good(but=2) == first


def test_a_revision_of_the_same_content_may_not_count() -> None:
    """Going back to what is there already helps nobody, whatever its number."""
    one, two, three = record("superseded", "superseded", "deployed", good=(1, 2, 3)).revisions
    again = ReleaseRecord("web", (one, two, Revision(**{**vars(three), "text": two.text})), frozenset({1, 2, 3}))
    found = again.last_good(but=3, unlike=again.newest)
    assert found is not None
    assert found.number == 1
