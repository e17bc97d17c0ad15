"""The plan of a deploy: a pure function of facts."""

from __future__ import annotations

from typing import Any

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.deploy.plan import Facts, Plan, as_record, make_plan, sentences
from dockyard.images.plan import ImageAction, ImageSeen
from dockyard.model.errors import RefusedError
from dockyard.releases.plan import Recovery, ReleaseAction, ReleaseSeen, Verb
from dockyard.tools.docker import FINGERPRINT, ImageFacts
from tests.releases.objects import deployment, manifests

PRINT = "f" * 64
CHART = manifests(deployment("web"))


def image(*, build: bool = False, load: bool = False, name: str = "web-image") -> ImageAction:
    """Return what is done to an image."""
    return ImageAction(name, "v1", PRINT, build, load, f"why {name}")


def release(verb: Verb, name: str = "web", *, recovery: Recovery = Recovery.NONE) -> ReleaseAction:
    """Return what is done to a release."""
    return ReleaseAction(name, verb, f"why {name}", recovery)


@pytest.mark.parametrize(
    ("images", "releases", "changes"),
    [
        ((), (), False),
        ((image(),), (release(Verb.NOTHING),), False),
        ((image(build=True),), (release(Verb.NOTHING),), True),
        ((image(load=True),), (release(Verb.NOTHING),), True),
        ((image(),), (release(Verb.WATCH),), True),
        ((image(),), (release(Verb.UPGRADE),), True),
        ((image(),), (release(Verb.NOTHING, recovery=Recovery.ROLL_BACK),), True),
    ],
    ids=["nothing at all", "all is well", "build", "load", "watch", "upgrade", "recover"],
)
def test_a_plan_changes_something_or_nothing(
    images: tuple[ImageAction, ...], releases: tuple[ReleaseAction, ...], *, changes: bool
) -> None:
    """Exit code 2 of `plan --exit-code` hangs on it."""
    assert Plan(images, releases).changes is changes


def test_what_is_sent_are_installs_and_upgrades() -> None:
    """The checks look at these alone; waiting sends nothing."""
    verbs = {"a": Verb.INSTALL, "b": Verb.WATCH, "c": Verb.UPGRADE, "d": Verb.NOTHING}
    plan = Plan((), tuple(release(verb, name) for name, verb in verbs.items()))
    assert plan.sent == ("a", "c")


def test_a_plan_is_made_of_every_fact_in_its_order() -> None:
    """And of facts alone: made twice it is the same."""
    seen = ImageSeen(name="web-image", tag="v1", sources=PRINT, node_known=False)
    facts = Facts(
        images=(seen,),
        charts={},
        releases=(ReleaseSeen("web", CHART), ReleaseSeen("api", CHART, known=False)),
        kubernetes_version="v1.36.3",
    )
    plan = make_plan(facts)
    assert [action.name for action in plan.images] == ["web-image"]
    assert [(action.release, action.verb) for action in plan.releases] == [
        ("web", Verb.INSTALL),
        ("api", Verb.INSTALL),
    ]
    assert make_plan(facts) == plan


def test_a_release_tag_that_would_change_its_content_is_refused() -> None:
    """Before anything is done at all."""
    held = ImageFacts("sha256:1", ("web-image:1.0.0",), 1, (), {FINGERPRINT: "e" * 64})
    seen = ImageSeen(name="web-image", tag="1.0.0", sources=PRINT, host=held)
    with pytest.raises(RefusedError, match=r"web-image:1\.0\.0 is there already"):
        make_plan(Facts(images=(seen,), charts={}, releases=(), kubernetes_version=""))


def test_each_image_stands_before_the_first_release_that_runs_it() -> None:
    """And once; a release without an image of the project stands alone."""
    plan = Plan(
        (image(build=True, load=True), image(load=True, name="other")),
        (release(Verb.NOTHING, "redis"), release(Verb.UPGRADE, "web"), release(Verb.INSTALL, "worker")),
    )
    rows = sentences(plan, {"redis": None, "web": "web-image", "worker": "web-image"})
    assert rows == (
        ("redis", "-", "why redis"),
        ("web-image", "build and load", "why web-image"),
        ("web", "upgrade", "why web"),
        ("worker", "install", "why worker"),
    )


@pytest.mark.parametrize(
    ("action", "verb"),
    [
        (image(build=True, load=True), "build and load"),
        (image(load=True), "load"),
        (image(build=True), "build"),
        (image(), "-"),
    ],
)
def test_what_is_done_to_an_image_is_named(action: ImageAction, verb: str) -> None:
    """A dash where nothing is."""
    assert sentences(Plan((action,), (release(Verb.NOTHING),)), {"web": "web-image"})[0][1] == verb


def test_a_recovery_is_never_shown_as_nothing() -> None:
    """Something is done to the release, whatever follows."""
    shown: Any = sentences(Plan((), (release(Verb.WATCH, recovery=Recovery.ROLL_BACK),)), {})
    assert shown[0][1] == "watch"


def test_a_plan_is_told_to_machines_without_its_manifests() -> None:
    """What is done and why, and the names of objects that change; nothing that an object holds."""
    wanted = Manifests.parse("kind: Secret\nmetadata: {name: keys}\ndata: {KEY: c2VjcmV0}\n")
    images = (ImageAction("api", "0.0.0-1", "f", build=True, load=True, reason="2 files changed"),)
    made = Plan(images, (ReleaseAction("api", Verb.INSTALL, "it is not installed", wanted=wanted),))
    assert as_record(made) == {
        "changes": True,
        "images": [{"name": "api", "tag": "0.0.0-1", "build": True, "load": True, "reason": "2 files changed"}],
        "releases": [
            {
                "release": "api",
                "verb": "install",
                "reason": "it is not installed",
                "recovery": "none",
                "changed": ["secret/keys"],
            }
        ],
    }
