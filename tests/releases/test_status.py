"""What is there, for people who ask."""

from __future__ import annotations

import pytest
import yaml

from dockyard.model.errors import RolloutError, UnknownNameError
from dockyard.releases.status import HistoryEntry, ReleaseStatus, history, pod_logs, statuses, urls
from tests.releases.conftest import Work
from tests.releases.objects import runs, service, text


def test_every_release_of_the_project_has_a_row(work: Work) -> None:
    """In the order of the deploy, absent ones too."""
    work.deployed("v1")
    assert statuses(work.site) == (
        ReleaseStatus("web", "Ready", 1, "v1", 1, 1, ""),
        ReleaseStatus("api", "Absent", note="not installed; `./inv deploy` does it"),
    )


def test_a_row_says_what_is_missing(work: Work) -> None:
    """As the wait for it would."""
    made = work.deployed("v1")
    work.api.apply(made.manifests, [(0.0, runs(ready=False))])
    assert statuses(work.site)[0] == ReleaseStatus("web", "Running", 1, "v1", 0, 1, "0 of 1 pods are ready")


def test_what_helm_did_not_finish_is_said(work: Work) -> None:
    """Pods may be Ready while the release is stuck."""
    work.deployed("v1")
    work.deployed("v1", status="pending-upgrade", good=False)
    row = statuses(work.site)[0]
    assert (row.state, row.revision, row.note) == ("Ready", 2, "Helm says pending-upgrade.")


def test_revisions_come_oldest_first_and_good_ones_are_marked(work: Work) -> None:
    """What Helm calls deployed may never have been Ready."""
    first, second = work.deployed("v1"), work.deployed("v2", good=False)
    assert history(work.site, "web") == (
        HistoryEntry(1, first.updated, "superseded", good=True, tag="v1", remark=""),
        HistoryEntry(2, second.updated, "deployed", good=False, tag="v2", remark=""),
    )


def test_a_release_that_is_not_installed_says_so(work: Work) -> None:
    """The project knows it: a name like it would be no help."""
    with pytest.raises(RolloutError) as caught:
        history(work.site, "web")
    assert str(caught.value) == "Release web is not installed. Run `./inv deploy`."


def test_an_unknown_release_names_the_nearest(work: Work) -> None:
    """Also one that only the cluster has is known."""
    work.helm.record("grafana", "")
    with pytest.raises(UnknownNameError) as caught:
        history(work.site, "grafna")
    assert caught.value.known == ("api", "grafana", "web")
    assert caught.value.fix == "Did you mean 'grafana'?"


def test_logs_come_from_the_pods_of_the_release(work: Work) -> None:
    """They are found by the workload's own labels."""
    work.deployed("v1")
    work.api.put({"kind": "Pod", "metadata": {"name": "other-a", "labels": {"app": "other"}}})
    work.api.lines = {("web-1-a", False): "hello\n", ("other-a", False): "not ours"}
    assert list(pod_logs(work.site, "web", tail=5)) == [("web-1-a", "hello\n")]


def test_logs_are_found_where_a_selector_has_expressions(work: Work) -> None:
    """The labels of the pods themselves are asked for."""
    (deployment,) = yaml.safe_load_all(work.helm.charts["web"])
    deployment["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}
    work.helm.charts["web"] = yaml.safe_dump(deployment)
    work.bring("v1")
    work.api.lines = {("web-1-a", False): "hello\n"}
    assert list(pod_logs(work.site, "web", tail=5)) == [("web-1-a", "hello\n")]


def test_each_container_of_a_pod_has_its_own_lines(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server refuses to choose among several."""
    work.deployed("v1")
    work.site.view.look()
    pod = work.api.objects["Pod", "web-1-a"]
    work.api.put({**pod, "spec": {"containers": [{"name": "app"}, {"name": "proxy"}]}})
    monkeypatch.setattr(work.api, "logs", lambda pod, *, tail, container: f"{tail} of {container} in {pod}")
    assert list(pod_logs(work.site, "web", tail=5)) == [
        ("web-1-a/app", "5 of app in web-1-a"),
        ("web-1-a/proxy", "5 of proxy in web-1-a"),
    ]


def test_logs_of_an_unknown_release_are_refused(work: Work) -> None:
    """An empty answer would look like a silent pod."""
    with pytest.raises(UnknownNameError):
        list(pod_logs(work.site, "nothing", tail=5))


def test_urls_are_those_of_what_is_installed(work: Work) -> None:
    """Each exposed Service of each release has one; a Service inside the cluster has none."""
    for name, entry in {
        "api": service("api", node_port=31000),
        "shop": service("shop", kind="LoadBalancer", node_port=32000, address="172.18.0.2"),
        "db": service("db"),
    }.items():
        work.helm.record(name, text(entry))
        work.api.put(entry)
    work.api.put(service("other", node_port=31001))
    assert urls(work.site) == (("api", "http://127.0.0.1:31000"), ("shop", "http://172.18.0.2:80"))


def test_urls_release_the_addresses_of_other_services(work: Work) -> None:
    """The cluster's, not only the project's: another project may run beside it."""
    work.api.put(service("other", node_port=31001))
    urls(work.site)
    assert work.workspace.cluster.kept == [{31001}]


def test_a_service_that_has_no_address_yet_has_no_url(work: Work) -> None:
    """Its load balancer is pending."""
    entry = service("shop", kind="LoadBalancer")
    work.helm.record("shop", text(entry))
    work.api.put(entry)
    assert urls(work.site) == ()
