"""What tasks call, with stand-ins for the engine, Helm and the cluster; everything between them is the real one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from dockyard.deploy import act, pipeline, run
from dockyard.deploy.options import Options
from dockyard.images import bases
from dockyard.model.errors import BuildError, LeftFailedError, RefusedError, RolloutError, StoppedError
from dockyard.model.events import Event, Report
from dockyard.releases import rollout
from dockyard.releases.lock import LockedError
from dockyard.releases.plan import Verb
from dockyard.releases.records import mark_good
from dockyard.releases.rollout import Policy
from dockyard.tools.helm import SENT
from dockyard.tools.identity import Identity
from dockyard.tools.kubernetes import Object
from dockyard.workspace import Workspace
from tests.deploy.conftest import BASE, NAMES, SECRET, Deploying
from tests.fakes import RUNS, TAG, FakeWorkspace, Recorder, rendered
from tests.releases.objects import waits

LIMIT = 20.0
"""Seconds after which threads that should have met never will."""

OTHER = Identity("bob", "there", 8, "", "", "inv deploy --release web")

CREATING: tuple[tuple[float, Object], ...] = ((0.0, waits("ContainerCreating")),)
"""A pod that is never ready."""

SLOW = (*CREATING, (4.0, RUNS))
"""A pod that is ready four seconds after it was sent."""

CRASHES: tuple[tuple[float, Object], ...] = (
    (0.0, waits("CrashLoopBackOff", "back-off", restarts=3, ended={"exitCode": 3, "reason": "Error"})),
)
"""A pod that never will be."""


def meeting(*calls: str) -> Callable[[str], None]:
    """Return what lets each of these calls go on only once all of them have begun."""
    barrier = threading.Barrier(len(calls), timeout=LIMIT)

    def meet(call: str) -> None:
        if call in calls:
            barrier.wait()

    return meet


# --- skipping ---------------------------------------------------------------------------------------------------------


def test_a_first_deploy_builds_loads_and_installs_all(deploying: Deploying) -> None:
    """Each release is Ready, is remembered as good, and the lock is given back."""
    done = deploying()
    assert {name: (entry.verb, entry.revision) for name, entry in done.items()} == dict.fromkeys(
        NAMES, (Verb.INSTALL, 1)
    )
    assert sorted(deploying.built) == sorted(deploying.loaded) == ["api-image", "mail-image", "web-image"]
    assert sorted(deploying.changes) == ["upgrade api", "upgrade mail", "upgrade web"]
    assert {name: record.good for name, record in deploying.records.items()} == dict.fromkeys(NAMES, frozenset({1}))
    assert not deploying.is_locked


def test_results_come_in_the_order_of_the_releases(deploying: Deploying) -> None:
    """Whatever ends first."""
    deploying.workspace.fake_helm.fates["api"] = [SLOW]
    assert tuple(deploying()) == NAMES


def test_a_second_deploy_does_nothing(deployed: Deploying) -> None:
    """No build, no byte to the node, no revision; of the cluster only the lock is written."""
    done = deployed()
    assert {entry.verb for entry in done.values()} == {Verb.NOTHING}
    assert (deployed.built, deployed.loaded, deployed.changes, deployed.gated) == ([], [], [], [])
    assert {change.partition(" ")[2] for change in deployed.workspace.fake_api.changes} == {"Lease dockyard"}


def test_one_changed_source_touches_one_service(deployed: Deploying) -> None:
    """The other images are not built, the other releases are not sent."""
    deployed.change("web")
    done = deployed()
    assert (deployed.built, deployed.loaded, deployed.changes) == (["web-image"], ["web-image"], ["upgrade web"])
    assert {name: entry.verb for name, entry in done.items()} == {
        "api": Verb.NOTHING,
        "web": Verb.UPGRADE,
        "mail": Verb.NOTHING,
    }
    assert done["web"].revision == 2


def test_one_changed_value_builds_nothing(deployed: Deploying) -> None:
    """What a chart renders to is all that a release is compared by."""
    deployed.configure("mail", LEVEL="debug")
    deployed()
    assert (deployed.built, deployed.loaded, deployed.changes) == ([], [], ["upgrade mail"])


def test_only_the_named_releases_are_touched(deploying: Deploying) -> None:
    """Their images alone are built."""
    deploying("api")
    assert (deploying.built, deploying.changes) == (["api-image"], ["upgrade api"])


def test_what_is_unchanged_and_not_ready_is_waited_for(deployed: Deploying) -> None:
    """An earlier deploy may still be on its way; sending it again would only make a revision."""
    api = deployed.workspace.fake_api
    record = deployed.records["api"]
    api.apply(record.newest.manifests, SLOW)
    before = deployed.workspace.clock.now()
    done = deployed()
    assert (done["api"].verb, deployed.changes) == (Verb.WATCH, [])
    assert deployed.workspace.clock.now() - before >= 4


# --- drift ------------------------------------------------------------------------------------------------------------


def test_an_object_that_somebody_edited_is_repaired(deployed: Deploying) -> None:
    """A new revision brings what was sent back; the reason names what differs."""
    deployed.workspace.fake_api.objects["Deployment", "api"]["spec"]["replicas"] = 5
    reasons = {entry.release: entry.reason for entry in pipeline.plan(deployed.workspace, NAMES).releases}
    assert reasons["api"] == "it drifted: deployment/api spec.replicas"
    done = deployed()
    assert (done["api"].verb, deployed.changes) == (Verb.UPGRADE, ["upgrade api"])
    assert deployed.workspace.fake_api.objects["Deployment", "api"]["spec"]["replicas"] == 1
    assert deployed()["api"].verb is Verb.NOTHING


def test_an_object_that_somebody_deleted_is_made_again(deploying: Deploying) -> None:
    """Though the release is Ready without it."""
    deploying.configure("api", LEVEL="info")
    deploying()
    deploying.workspace.fake_api.drop("ConfigMap", "api-config")
    deploying()
    assert deploying.changes == ["upgrade api"]
    assert ("ConfigMap", "api-config") in deploying.workspace.fake_api.objects


def test_an_image_that_is_missing_in_the_node_is_loaded(deployed: Deploying) -> None:
    """Nothing is built, and no release that is Ready is sent for it."""
    (reference,) = [name for name in deployed.workspace.cluster.held if name.startswith("web-image:")]
    del deployed.workspace.cluster.held[reference]
    deployed()
    assert (deployed.built, deployed.loaded, deployed.changes) == ([], ["web-image"], [])
    assert reference in deployed.workspace.cluster.held


def test_a_node_with_another_image_of_that_tag_gets_the_right_one(deployed: Deploying) -> None:
    """Ids are compared, not names."""
    held = deployed.workspace.cluster.held
    (reference,) = [name for name in held if name.startswith("web-image:")]
    held[reference] = "sha256:other"
    deployed()
    assert deployed.loaded == ["web-image"]


# --- in parallel ------------------------------------------------------------------------------------------------------


def test_builds_overlap(deploying: Deploying) -> None:
    """Each build goes on only once all have begun."""
    deploying.workspace.docker.on_call = meeting(*(f"build {name}-image" for name in NAMES))
    assert tuple(deploying()) == NAMES


def test_a_load_overlaps_with_the_build_of_another_image(deploying: Deploying) -> None:
    """The first image is on its way into the node while the last is still built."""
    loading = threading.Event()

    def build(call: str) -> None:
        if call == "build web-image":
            assert loading.wait(LIMIT)

    deploying.workspace.docker.on_call = build
    deploying.workspace.cluster.on_call = lambda call: loading.set() if "api-image" in call else None
    assert tuple(deploying()) == NAMES


def test_independent_releases_overlap(deploying: Deploying) -> None:
    """Helm is at work on both at the same time."""
    deploying.workspace.fake_helm.on_call = meeting("upgrade api", "upgrade mail")
    assert tuple(deploying()) == NAMES


def test_a_release_is_sent_when_what_it_needs_is_ready(deploying: Deploying) -> None:
    """Not when that was only sent."""
    good: list[frozenset[int]] = []
    helm = deploying.workspace.fake_helm
    helm.fates["api"] = [SLOW]
    helm.on_call = lambda call: good.append(deploying.records["api"].good) if call == "upgrade web" else None
    deploying()
    assert good == [frozenset({1})]


def test_one_job_does_one_thing_at_a_time(deploying: Deploying) -> None:
    """`--jobs 1`: each step ends before the next begins."""
    deploying(jobs=1)
    steps = deploying.steps()
    assert len(steps) == 18
    pairs = zip(steps[::2], steps[1::2], strict=True)
    assert all(begun[:2] == ended[:2] and not begun[2] and ended[2] for begun, ended in pairs)


def test_no_image_is_loaded_and_nothing_sent_before_the_gate_was_asked(deploying: Deploying) -> None:
    """It sees all that will be sent at once, with the images that will run."""
    seen: list[bool] = []
    deploying.workspace.cluster.on_call = lambda _: seen.append(bool(deploying.gated))
    deploying()
    ((names, references),) = deploying.gated
    assert names == NAMES
    assert references.keys() == {f"{name}-image" for name in NAMES}
    assert all(reference in deploying.workspace.docker.held for reference in references.values())
    assert seen == [True, True, True]


def test_no_image_is_loaded_while_the_gate_is_asked(deploying: Deploying) -> None:
    """The images are built already, and there are hands free to load them."""
    pipeline.build(deploying.workspace, deploying.workspace.project.images, Recorder(), jobs=3)
    loading = threading.Event()
    deploying.workspace.cluster.on_call = lambda _: loading.set()

    def gate(
        workspace: Workspace,  # noqa: ARG001 - as a gate is called, here and below
        names: tuple[str, ...],  # noqa: ARG001
        references: Mapping[str, str],  # noqa: ARG001
        report: Report,  # noqa: ARG001
        *,
        kubernetes_version: str,  # noqa: ARG001
    ) -> None:
        assert not loading.wait(0.2)

    pipeline.deploy(deploying.workspace, NAMES, Recorder(), deploying.options(), gate=gate)
    assert loading.is_set()


def test_base_images_are_had_before_anything_is_looked_at(
    deploying: Deploying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fingerprint holds the base's id: without it every image would be built anew."""
    docker = deploying.workspace.docker
    base = docker.held.pop(BASE)
    monkeypatch.setattr(bases, "resolve", lambda *_, **__: docker.held.update({BASE: base}))
    assert deploying("api")["api"].verb is Verb.INSTALL
    assert BASE in docker.held


def test_the_gate_is_asked_about_what_is_sent_alone(deployed: Deploying) -> None:
    """A release that stays as it is was looked at when it was sent."""
    deployed.change("web")
    deployed()
    assert [names for names, _ in deployed.gated] == [("web",)]


def test_what_the_gate_refuses_is_not_sent(deploying: Deploying) -> None:
    """Neither to the node nor to a release, and the lock is given back."""

    def refuse(
        workspace: Workspace,  # noqa: ARG001 - as a gate is called, here and below
        names: tuple[str, ...],
        references: Mapping[str, str],  # noqa: ARG001
        report: Report,  # noqa: ARG001
        *,
        kubernetes_version: str,  # noqa: ARG001
    ) -> None:
        raise RefusedError(f"{len(names)} errors")

    with pytest.raises(RefusedError, match="3 errors"):
        pipeline.deploy(deploying.workspace, NAMES, deploying.report, deploying.options(), gate=refuse)
    assert (deploying.loaded, deploying.changes, deploying.is_locked) == ([], [], False)


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_failing_upgrade_is_rolled_back(deployed: Deploying) -> None:
    """Exit code 1: the last good revision serves again, as a revision of its own that is good too."""
    deployed.change("api")
    deployed.workspace.fake_helm.fates["api"] = [CRASHES]
    with pytest.raises(RolloutError) as caught:
        deployed()
    assert (caught.value.exit_code, caught.value.what) == (1, "Release api failed and was rolled back")
    assert caught.value.why == "Revision 2 did not become Ready; revision 1 serves again"
    record = deployed.records["api"]
    assert (record.newest.number, record.newest.description, record.good) == (3, "Rollback to 1", frozenset({1, 3}))
    assert record.newest.text == record.revisions[0].text
    assert not deployed.is_locked


def test_the_cause_is_told_before_anything_is_taken_back(deployed: Deploying) -> None:
    """With the last lines of the container and of its run before, which a rollback takes away."""
    deployed.change("api")
    helm, api = deployed.workspace.fake_helm, deployed.workspace.fake_api
    helm.fates["api"] = [CRASHES]
    api.lines = {("api-2-a", False): "now\n", ("api-2-a", True): "before\n"}
    told: list[bool] = []
    helm.on_call = lambda call: (
        told.append("Failed" in {event.stage for event in deployed.report.events}) if "rollback" in call else None
    )
    with pytest.raises(RolloutError) as caught:
        deployed()
    assert told == [True]
    assert caught.value.diagnosis is not None
    assert [evidence.lines for evidence in caught.value.diagnosis.evidence] == [("now",), ("before",)]


def test_after_a_rollback_the_next_deploy_tries_again(deployed: Deploying) -> None:
    """The failure may have been the machine's; nothing is remembered against these sources."""
    deployed.change("api")
    deployed.workspace.fake_helm.fates["api"] = [CRASHES]
    with pytest.raises(RolloutError):
        deployed()
    done = deployed()
    assert (done["api"].verb, done["api"].revision, deployed.built) == (Verb.UPGRADE, 4, [])


def test_a_failing_upgrade_stays_where_nobody_wants_a_rollback(deployed: Deploying) -> None:
    """Exit code 3, and what would take it back."""
    deployed.change("api")
    deployed.workspace.fake_helm.fates["api"] = [CRASHES]
    with pytest.raises(LeftFailedError) as caught:
        deployed(policy=Policy(roll_back=False))
    assert (caught.value.exit_code, deployed.changes) == (3, ["upgrade api"])
    assert caught.value.fix == "`./inv rollback --release api` goes back to revision 1"
    assert deployed.records["api"].good == {1}


def test_a_rollback_that_fails_is_told_with_what_failed_first(deployed: Deploying) -> None:
    """Exit code 3: both the cause of the failure and that of the failed rollback."""
    deployed.change("api")
    deployed.workspace.fake_helm.fates["api"] = [CRASHES, CRASHES]
    with pytest.raises(LeftFailedError) as caught:
        deployed()
    assert (caught.value.exit_code, caught.value.diagnosis is not None) == (3, True)
    assert caught.value.what == "Release api failed, and so did its rollback to revision 1"


def test_a_rollback_that_helm_refuses_is_told(deployed: Deploying) -> None:
    """With Helm's reason; the lock is given back all the same."""
    deployed.change("api")
    deployed.workspace.fake_helm.fates["api"] = [CRASHES]
    deployed.workspace.fake_helm.refuses["rollback api"] = ["Error: no"]
    with pytest.raises(LeftFailedError, match="It was refused: Helm did not take it") as caught:
        deployed()
    assert (caught.value.exit_code, deployed.is_locked) == (3, False)


def test_an_upgrade_that_helm_refuses_is_rolled_back(deployed: Deploying) -> None:
    """Objects may have been changed before the one that was refused."""
    deployed.change("api")
    deployed.workspace.fake_helm.refuses["upgrade api"] = ["Error: spec.selector: field is immutable"]
    with pytest.raises(RolloutError) as caught:
        deployed()
    assert (caught.value.exit_code, deployed.changes) == (1, ["upgrade api", "rollback api 1"])
    assert caught.value.diagnosis is not None
    assert "a field that cannot change has changed" in caught.value.diagnosis.cause.sentence


def test_a_first_install_that_fails_is_removed(deploying: Deploying) -> None:
    """Exit code 1: nothing is left that the next install would fall over."""
    deploying.workspace.fake_helm.fates["api"] = [CRASHES]
    with pytest.raises(RolloutError, match="Release api failed and was removed") as caught:
        deploying("api")
    assert (caught.value.exit_code, deploying.records) == (1, {})
    assert ("Deployment", "api") not in deploying.workspace.fake_api.objects
    assert deploying("api")["api"].revision == 1


def test_a_first_install_is_kept_where_that_is_asked_for(deploying: Deploying) -> None:
    """Exit code 3; the next deploy removes it first, since Helm upgrades nothing that never was deployed."""
    deploying.workspace.fake_helm.fates["api"] = [CRASHES]
    with pytest.raises(LeftFailedError) as caught:
        deploying("api", policy=Policy(keep_failed=True))
    assert (caught.value.exit_code, deploying.changes) == (3, ["upgrade api"])
    assert "api" in deploying.records


def test_a_refused_first_install_that_was_kept_is_removed_by_the_next_deploy(deploying: Deploying) -> None:
    """Helm would say for ever that it has no deployed releases."""
    deploying.workspace.fake_helm.refuses["upgrade api"] = ["Error: no"]
    with pytest.raises(LeftFailedError):
        deploying("api", policy=Policy(keep_failed=True))
    assert deploying.records["api"].newest.status == "failed"
    done = deploying("api")
    assert (deploying.changes, done["api"].revision) == (["uninstall api", "upgrade api"], 1)


def test_a_release_that_fails_stops_what_needs_it(deploying: Deploying) -> None:
    """What needs it is not sent."""
    deploying.workspace.fake_helm.fates["api"] = [CRASHES]
    with pytest.raises(RolloutError, match="Release api failed"):
        deploying()
    assert "upgrade web" not in deploying.changes


def test_what_is_half_way_is_brought_to_its_end(deploying: Deploying) -> None:
    """One release fails while another is on its way: that one becomes Ready and is remembered."""
    helm = deploying.workspace.fake_helm
    helm.fates = {"api": [CRASHES], "mail": [SLOW]}
    helm.on_call = meeting("upgrade api", "upgrade mail")
    with pytest.raises(RolloutError, match="Release api failed"):
        deploying()
    assert {name: record.good for name, record in deploying.records.items()} == {"mail": frozenset({1})}


def test_a_release_waits_for_its_own_limit(deploying: Deploying) -> None:
    """`timeout` of dockyard.yaml."""
    deploying.workspace.fake_helm.fates["api"] = [CREATING]
    with pytest.raises(RolloutError) as caught:
        deploying("api")
    assert caught.value.diagnosis is not None
    assert caught.value.diagnosis.cause.sentence.startswith("It was not Ready within 30 s")


def test_a_chart_that_does_not_render_is_told_before_anything_is_done(deploying: Deploying) -> None:
    """All charts are rendered before the first image is built."""
    del deploying.workspace.fake_helm.charts["web"]
    with pytest.raises(BuildError, match="The chart of release web does not render"):
        deploying()
    assert (deploying.built, deploying.loaded, deploying.changes, deploying.is_locked) == ([], [], [], False)


def test_a_build_that_fails_sends_nothing(deploying: Deploying) -> None:
    """Neither to the node nor to a release."""
    deploying.workspace.docker.failure = "ERROR: process did not complete"
    with pytest.raises(BuildError, match="could not be built"):
        deploying("api")
    assert (deploying.loaded, deploying.changes) == ([], [])


def test_sources_that_change_while_they_are_built_are_told(deploying: Deploying) -> None:
    """The tag would say what is not so: the image is taken away, and the next deploy builds anew."""
    deploying.workspace.docker.on_call = lambda call: deploying.change("api") if "api" in call else None
    with pytest.raises(BuildError, match="The sources of api-image changed while it was built"):
        deploying("api")
    assert (deploying.loaded, deploying.changes) == ([], [])
    assert not [name for name in deploying.workspace.docker.held if name.startswith("api-image")]
    assert deploying("api")["api"].verb is Verb.INSTALL
    assert deploying.built == ["api-image"]


def test_a_node_that_loads_another_image_than_was_built_is_told(deploying: Deploying) -> None:
    """The clusters compare ids after a load; what they say ends the deploy before anything is sent."""

    def refuse(_call: str) -> None:
        raise BuildError("The node has another image")

    deploying.workspace.cluster.on_call = refuse
    with pytest.raises(BuildError, match="another image"):
        deploying("api")
    assert deploying.changes == []


# --- recovery ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["pending-upgrade", "pending-rollback"])
def test_a_release_that_was_cut_off_goes_back_and_on(deployed: Deploying, status: str) -> None:
    """To its last good revision, then to what the sources say; it says so."""
    deployed.workspace.fake_helm.cut_off("api", status)
    deployed.change("api")
    done = deployed()
    assert (deployed.changes, done["api"].verb) == (["rollback api 1", "upgrade api"], Verb.UPGRADE)
    assert ("api", "Recovering") in deployed.report.lasting


def test_a_release_that_was_cut_off_and_is_wanted_as_it_was_only_goes_back(deployed: Deploying) -> None:
    """No second revision of the same."""
    deployed.workspace.fake_helm.cut_off("api", "pending-upgrade")
    deployed.workspace.fake_helm.charts["api"] = deployed.records["api"].revisions[0].text
    done = deployed()
    assert (deployed.changes, done["api"].verb, done["api"].revision) == (["rollback api 1"], Verb.WATCH, 3)


@pytest.mark.parametrize("status", ["pending-install", "failed"])
def test_a_first_install_that_was_cut_off_is_made_anew(deploying: Deploying, status: str) -> None:
    """There is nothing to go back to."""
    deploying.workspace.fake_helm.cut_off("api", status)
    done = deploying("api")
    assert (deploying.changes, done["api"].revision) == (["uninstall api", "upgrade api"], 1)
    assert ("api", "Recovering") in deploying.report.lasting


def test_a_removal_that_was_cut_off_is_ended_first(deployed: Deploying) -> None:
    """What is half gone is no revision to go back to."""
    deployed.workspace.fake_helm.record("api", deployed.records["api"].newest.text, status="uninstalling")
    done = deployed("api")
    assert (deployed.changes, done["api"].revision) == (["uninstall api", "upgrade api"], 1)


def test_somebody_elses_helm_is_waited_for(deployed: Deploying) -> None:
    """Half a minute, before its release counts as cut off; it is told whom for."""
    deployed.workspace.fake_helm.cut_off("api", "pending-upgrade")
    before = deployed.workspace.clock.now()
    deployed()
    assert deployed.workspace.clock.now() - before >= run.OTHERS
    assert ("api", "Waiting") in deployed.report.lasting


def test_an_upgrade_that_ends_meanwhile_is_nothing_to_recover_from(deployed: Deploying) -> None:
    """The other one's revision is then compared as any other."""
    helm = deployed.workspace.fake_helm
    text = deployed.records["api"].newest.text
    pending = helm.record("api", text, status="pending-upgrade")

    def end_when_told(event: Event) -> None:
        if event.stage == "Waiting":
            deployed.workspace.fake_api.drop("Secret", f"sh.helm.release.v1.api.v{pending.number}")
            helm.record("api", text)

    done = pipeline.deploy(deployed.workspace, NAMES, end_when_told, deployed.options(), gate=deployed.gate)
    assert ({entry.verb for entry in done}, deployed.changes) == ({Verb.NOTHING, Verb.WATCH}, [])


def test_after_a_deploy_that_died_here_nobody_is_waited_for_long(deployed: Deploying) -> None:
    """The lock says that its holder is dead: its Helm has a moment to end."""
    deployed.held_by(OTHER)
    deployed.alive = False
    deployed.workspace.fake_helm.cut_off("api", "pending-upgrade")
    before = deployed.workspace.clock.now()
    deployed()
    assert deployed.workspace.clock.now() - before < run.OTHERS
    assert deployed.changes[0] == "rollback api 1"
    assert not deployed.is_locked


# --- the lock ---------------------------------------------------------------------------------------------------------


def test_a_second_deploy_is_refused_with_who_holds_the_lock(deploying: Deploying) -> None:
    """Exit code 4, and nothing of it was begun."""
    deploying.held_by(OTHER)
    deploying.alive = True
    with pytest.raises(LockedError) as caught:
        deploying()
    assert caught.value.exit_code == 4
    assert "bob on there, process 8 (`inv deploy --release web`)" in caught.value.why
    assert (deploying.built, deploying.loaded, deploying.changes, deploying.is_locked) == ([], [], [], True)


def test_a_second_deploy_waits_as_long_as_it_is_told_to(deploying: Deploying) -> None:
    """And goes on when the lock is given back."""
    deploying.held_by(OTHER)

    def give_back(event: Event) -> None:
        if event.subject == "lock":
            deploying.workspace.fake_api.drop("Lease", "dockyard")

    done = pipeline.deploy(
        deploying.workspace, ("api",), give_back, deploying.options(wait_lock=60), gate=deploying.gate
    )
    assert done[0].verb is Verb.INSTALL


@pytest.mark.parametrize("fault", ["build", "rollout"])
def test_the_lock_is_given_back_after_a_failure(deploying: Deploying, fault: str) -> None:
    """The next deploy is not locked out by this one."""
    deploying.workspace.docker.failure = "ERROR" if fault == "build" else ""
    deploying.workspace.fake_helm.fates["api"] = [CRASHES]
    with pytest.raises((BuildError, RolloutError)):
        deploying("api")
    assert not deploying.is_locked


@pytest.mark.parametrize(
    "task",
    [
        lambda workspace, how: pipeline.destroy(workspace, NAMES, Recorder(), how),
        lambda workspace, how: pipeline.roll_back(workspace, "api", None, Recorder(), how),
    ],
    ids=["destroy", "rollback"],
)
def test_others_that_change_the_cluster_take_the_lock_too(
    deployed: Deploying, task: Callable[[FakeWorkspace, Options], object]
) -> None:
    """A rollback in the middle of a deploy would be the worst of both."""
    deployed.held_by(OTHER)
    deployed.alive = True
    with pytest.raises(LockedError):
        task(deployed.workspace, deployed.options())
    assert deployed.changes == []


# --- plan -------------------------------------------------------------------------------------------------------------


def test_a_plan_starts_nothing_and_changes_nothing(deploying: Deploying) -> None:
    """Neither engine nor cluster, nor the lock: asking is free."""
    made = pipeline.plan(deploying.workspace, NAMES)
    assert {action.verb for action in made.releases} == {Verb.INSTALL}
    workspace = deploying.workspace
    assert (deploying.built, workspace.cluster.calls, deploying.changes, workspace.fake_api.changes) == ([], [], [], [])


def test_a_plan_says_what_the_deploy_then_does(deployed: Deploying) -> None:
    """The same facts, the same decision."""
    deployed.change("web")
    deployed.configure("mail", LEVEL="debug")
    made = pipeline.plan(deployed.workspace, NAMES)
    assert {image.name for image in made.images if image.build} == {"web-image"}
    assert {action.release for action in made.releases if action.changes} == {"web", "mail"}
    deployed()
    assert (deployed.built, sorted(deployed.changes)) == (["web-image"], ["upgrade mail", "upgrade web"])
    assert not pipeline.plan(deployed.workspace, NAMES).changes


def test_a_plan_without_a_cluster_says_so(deploying: Deploying) -> None:
    """All would be installed, as far as anybody knows; the cluster is not started for the answer."""
    deploying.workspace.cluster.running = False
    made = pipeline.plan(deploying.workspace, NAMES)
    assert {action.reason for action in made.releases} == {"the cluster does not run, so what it has is not known"}
    assert deploying.workspace.cluster.calls == []


def test_a_plan_is_made_while_another_deploy_is_at_work(deployed: Deploying) -> None:
    """Asking takes no lock."""
    deployed.held_by(OTHER)
    assert not pipeline.plan(deployed.workspace, NAMES).changes


# --- other things that may be so --------------------------------------------------------------------------------------


def test_a_stopped_deploy_says_in_what_state_things_are(deploying: Deploying) -> None:
    """Of each release, in order; the lock is given back."""

    def stop(call: str) -> None:
        if call == "upgrade web":
            raise StoppedError("Stopped")

    deploying.workspace.fake_helm.on_call = stop
    with pytest.raises(StoppedError) as caught:
        deploying(jobs=1)
    assert caught.value.exit_code == 130
    assert caught.value.why.startswith("api is Ready; web was sent and is Installing; mail ")
    assert (caught.value.fix, deploying.is_locked) == ("`./inv deploy` goes on from here", False)


def test_a_namespace_that_is_being_deleted_is_refused(deploying: Deploying) -> None:
    """Before anything is built: whatever is made in it goes away."""
    deploying.workspace.fake_api.namespaces["default"] = "Terminating"
    with pytest.raises(RefusedError, match="The namespace default is being deleted"):
        deploying()
    assert (deploying.built, deploying.changes, deploying.workspace.fake_api.changes) == ([], [], [])


def test_a_release_that_somebody_deployed_with_bare_helm_is_remembered_when_it_is_ready(deployed: Deploying) -> None:
    """A later rollback may go back to it."""
    helm = deployed.workspace.fake_helm
    record = helm.record("api", deployed.records["api"].newest.text, tag="hand-made")
    deployed()
    assert deployed.records["api"].good == {1, record.number}


def test_what_was_cut_off_before_it_served_is_not_good_before_it_does(
    deployed: Deploying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pods are Ready, and nobody has asked them yet; the next deploy does, and goes back from it."""
    deployed.workspace.fake_helm.record("api", deployed.records["api"].newest.text, remark=SENT)

    def refuse(*_: object, **__: object) -> None:
        raise RolloutError("Service api does not serve /health on port 80", why="it answered 500")

    monkeypatch.setattr(rollout, "verify", refuse)
    with pytest.raises(RolloutError):
        deployed("api")
    assert deployed.records["api"].good == {1}


def test_a_revision_that_helm_calls_failed_is_not_good_though_its_pods_are_ready(deployed: Deploying) -> None:
    """Its pods are those of the revision before; it is sent again, and that one is good."""
    helm = deployed.workspace.fake_helm
    helm.record("api", deployed.records["api"].newest.text, status="failed")
    deployed()
    assert (deployed.changes, deployed.records["api"].good) == (["upgrade api"], frozenset({1, 3}))


def test_what_the_api_server_made_by_itself_stays_accepted(deploying: Deploying) -> None:
    """A revision that bare Helm made of the same is no drift for it."""
    deploying.configure("api", LEVEL="info")
    deploying()
    helm, api, path = deploying.workspace.fake_helm, deploying.workspace.fake_api, "configmap/api-config data.LEVEL"
    api.objects["ConfigMap", "api-config"]["data"]["LEVEL"] = "INFO"
    mark_good(api, deploying.records["api"].newest, accepted=[path])
    helm.record("api", deploying.records["api"].newest.text)
    deploying()
    assert (deploying.changes, deploying.records["api"].accepted) == ([], frozenset({path}))


def test_a_release_that_somebody_upgrades_meanwhile_is_told(deployed: Deploying) -> None:
    """Their upgrade is not taken for ours, and is not marked good."""
    helm = deployed.workspace.fake_helm
    deployed.change("api")
    helm.fates["api"] = [SLOW]
    seen: list[str] = []

    def meddle(event: Event) -> None:
        deployed.report(event)
        if event.service == "api" and event.stage == "Pending" and not seen:
            seen.append(helm.record("api", "", status="pending-upgrade").status)

    with pytest.raises(LeftFailedError, match="changed by somebody else"):
        pipeline.deploy(deployed.workspace, NAMES, meddle, deployed.options(), gate=deployed.gate)
    assert deployed.records["api"].good == {1}


def test_no_base_image_is_had_for_a_deploy_that_must_fail(
    deploying: Deploying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets are judged before anything else: a stand-in takes minutes to make."""
    deploying.workspace = replace(deploying.workspace, secrets={})
    deploying.workspace.docker.held.clear()
    asked: list[str] = []
    monkeypatch.setattr(bases, "resolve", lambda _docker, image, *_, **__: asked.append(image))
    with pytest.raises(RefusedError, match="KEY"):
        deploying()
    assert asked == []


def test_secrets_go_to_the_releases_that_name_them(deploying: Deploying) -> None:
    """And no other value goes anywhere, least of all into events or the state of the cluster beside Helm's own."""
    deploying()
    values = deploying.workspace.fake_helm.values
    assert values["web"]["secrets"] == {"KEY": SECRET}
    assert "secrets" not in values["api"]
    assert not [event for event in deploying.report.events if SECRET in event.text]


def test_a_deploy_ends_by_asking_the_services(deploying: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing was changed: unchanged is not the same as serving."""
    asked: list[str] = []

    def record(*_: object, **__: object) -> tuple[str, ...]:
        asked.append("asked")
        return ()

    monkeypatch.setattr(rollout, "verify", record)
    monkeypatch.setattr(act, "verify", record)
    deploying()
    assert len(asked) == 3
    deploying()
    assert len(asked) == 6


def test_addresses_of_services_that_are_gone_are_released(deploying: Deploying) -> None:
    """By whatever may have removed one, and only by that."""
    workspace, kept = deploying.workspace, deploying.workspace.cluster.kept
    workspace.fake_helm.charts["api"] = rendered("api", image=f"api-image:{TAG}", node_port=31000)
    deploying("api")
    assert kept == [{31000}]
    deploying("api")
    assert kept == [{31000}], "nothing was done"
    deploying.change("api")
    deploying("api")
    pipeline.roll_back(workspace, "api", None, Recorder(), deploying.options())
    assert kept == [{31000}] * 3
    pipeline.destroy(workspace, ("api",), Recorder(), deploying.options())
    assert kept[3:] == [set()]


def test_every_release_goes_through_the_specifications_states(deploying: Deploying) -> None:
    """From Building to Ready, none left out."""
    deploying()
    states = [
        event.stage for event in deploying.report.events if event.service == "web" and type(event).__name__ == "Move"
    ]
    assert states == ["Building", "Loading", "Installing", "Pending", "Running", "Ready"]


def test_an_upgrade_goes_from_ready_through_upgrading(deployed: Deploying) -> None:
    """It serves while its image is built."""
    deployed.change("web")
    deployed()
    states = [
        event.stage for event in deployed.report.events if event.service == "web" and type(event).__name__ == "Move"
    ]
    assert states == ["Ready", "Upgrading", "Pending", "Running", "Ready"]


# --- rollback ---------------------------------------------------------------------------------------------------------


def test_a_rollback_goes_to_the_last_good_revision(deployed: Deploying) -> None:
    """Under the lock, and the new revision is good too."""
    deployed.change("api")
    deployed()
    target, done = pipeline.roll_back(deployed.workspace, "api", None, Recorder(), deployed.options())
    assert (target.number, done.revision, deployed.records["api"].good) == (1, 3, frozenset({1, 2, 3}))
    assert not deployed.is_locked


def test_a_rollback_of_what_is_not_installed_takes_no_lock(deploying: Deploying) -> None:
    """There is nothing to keep others from."""
    with pytest.raises(RolloutError, match="Release api is not installed"):
        pipeline.roll_back(deploying.workspace, "api", None, Recorder(), deploying.options())
    assert deploying.workspace.fake_api.changes == []


# --- destroy ----------------------------------------------------------------------------------------------------------


def test_a_release_is_removed_after_those_that_need_it(deployed: Deploying) -> None:
    """When the first is uninstalled the second is gone, objects and all."""
    there: list[bool] = []
    helm = deployed.workspace.fake_helm
    helm.on_call = lambda call: there.append("web" in deployed.records) if call == "uninstall api" else None
    report = Recorder()
    pipeline.destroy(deployed.workspace, NAMES, report, deployed.options())
    assert (there, deployed.records) == ([False], {})
    assert sorted(report.lasting) == [("api", "Removed"), ("mail", "Removed"), ("web", "Removed")]
    assert not [key for key in deployed.workspace.fake_api.objects if key[0] in {"Deployment", "Pod"}]
    assert not deployed.is_locked


def test_independent_releases_are_removed_side_by_side(deployed: Deploying) -> None:
    """Each goes on only once both have begun."""
    deployed.workspace.fake_helm.on_call = meeting("uninstall web", "uninstall mail")
    pipeline.destroy(deployed.workspace, NAMES, Recorder(), deployed.options())
    assert deployed.records == {}


def test_removing_what_is_not_there_is_no_mistake(deploying: Deploying) -> None:
    """It says so, also where the whole namespace is not there."""
    del deploying.workspace.fake_api.namespaces["default"]
    report = Recorder()
    pipeline.destroy(deploying.workspace, NAMES, report, deploying.options())
    assert sorted(report.lasting) == [("api", "Absent"), ("mail", "Absent"), ("web", "Absent")]


def test_what_was_installed_while_the_lock_was_waited_for_is_removed_too(deployed: Deploying) -> None:
    """What is there counts when the lock is had, not when it was asked for."""
    deployed.held_by(OTHER)
    helm = deployed.workspace.fake_helm
    kept = deployed.records["mail"].newest
    helm.uninstall("mail")

    def install(event: Event) -> None:
        if event.subject == "lock":
            helm.record("mail", kept.text)
            deployed.workspace.fake_api.drop("Lease", "dockyard")

    pipeline.destroy(deployed.workspace, NAMES, install, deployed.options(wait_lock=60))
    assert deployed.records == {}


def test_only_the_named_release_is_removed(deployed: Deploying) -> None:
    """The others go on serving."""
    pipeline.destroy(deployed.workspace, ("web",), Recorder(), deployed.options())
    assert sorted(deployed.records) == ["api", "mail"]


def test_a_release_that_helm_cannot_remove_is_told(deployed: Deploying) -> None:
    """With Helm's words; what it needs stays."""
    deployed.workspace.fake_helm.refuses["uninstall web"] = ["Error: timed out waiting for the condition\n"]
    with pytest.raises(RolloutError) as caught:
        pipeline.destroy(deployed.workspace, NAMES, Recorder(), deployed.options())
    assert str(caught.value) == "Release web could not be removed. Error: timed out waiting for the condition."
    assert "api" in deployed.records


# --- images -----------------------------------------------------------------------------------------------------------


def test_build_makes_what_changed_and_asks_no_cluster(deployed: Deploying) -> None:
    """The references of all come back, in their order."""
    deployed.workspace.cluster.running = False
    deployed.change("web")
    report = Recorder()
    images = tuple(deployed.workspace.project.images)
    references = pipeline.build(deployed.workspace, images, report, jobs=2)
    assert deployed.built == ["web-image"]
    assert [reference.partition(":")[0] for reference in references] == list(images)
    assert [subject for subject, stage in report.lasting if stage == "Unchanged"] == ["api-image", "mail-image"]
    assert deployed.workspace.cluster.calls == []


def test_builds_of_images_overlap(deploying: Deploying) -> None:
    """As in a deploy."""
    deploying.workspace.docker.on_call = meeting(*(f"build {name}-image" for name in NAMES))
    pipeline.build(deploying.workspace, deploying.workspace.project.images, Recorder(), jobs=3)


def test_load_brings_every_image_into_the_node(deploying: Deploying) -> None:
    """Built where they have to be; a cluster that does not run is told before."""
    pipeline.load_all(deploying.workspace, Recorder(), jobs=2)
    assert sorted(deploying.loaded) == ["api-image", "mail-image", "web-image"]
