"""The registry of checks, and how they are run."""

from __future__ import annotations

import re

import pytest

from dockyard.checks import catalogue
from dockyard.checks.catalogue import check, every_check, run_checks
from dockyard.checks.finding import Finding, Place, Severity
from dockyard.model.errors import UnknownNameError
from tests.checks.examples import BAD, release, subject, whole


def test_every_check_says_what_it_is() -> None:
    """An id of DY and three digits, a title, and sentences for why and how to mend it."""
    for id_, entry in every_check().items():
        assert id_ == entry.id
        assert re.fullmatch(r"DY\d{3}", id_)
        assert entry.title
        assert not entry.title.endswith(".")
        assert entry.why.endswith(".")
        assert entry.fix.endswith(".")


def test_ids_are_in_order_and_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second check with the id of another would hide it."""
    assert list(every_check()) == sorted(every_check())
    monkeypatch.setattr(catalogue, "CHECKS", dict(catalogue.CHECKS))
    with pytest.raises(ValueError, match="two checks have the id DY101"):
        check("DY101", "x", why="X.", fix="X.")(lambda _: iter(()))


@pytest.mark.parametrize(("without", "only"), [({"DY999": "why"}, ()), ({}, ["DY999"])])
def test_an_unknown_id_names_the_nearest(without: dict[str, str], only: list[str]) -> None:
    """Whether it is switched off or asked for."""
    with pytest.raises(UnknownNameError, match=r"no check named 'DY999'.* Did you mean 'DY\d0[39]'\?"):
        run_checks(subject(), without=without, only=only)


def test_checks_are_chosen_and_switched_off() -> None:
    """Only those that are asked for, and none that is off."""
    looked_at = BAD["DY108"]()
    assert [one.check for one in run_checks(looked_at, without={})] == ["DY108"]
    assert run_checks(looked_at, without={"DY108": "known"}) == ()
    assert run_checks(looked_at, without={}, only=["DY107"]) == ()
    assert [one.check for one in run_checks(looked_at, without={}, only=["DY107", "DY108"])] == ["DY108"]


def test_a_finding_knows_its_release() -> None:
    """By its object, by a file of its chart, by its values files; files of several belong to none."""
    (found,) = run_checks(BAD["DY108"](), without={})
    assert isinstance(found, Finding)
    assert (found.release, found.severity) == ("web", Severity.ERROR)
    one = whole(release())
    assert one.release_of(Place("charts/web/Chart.yaml")) == one.release_of(Place("charts/web")) == "web"
    assert one.release_of(Place("charts/web2/Chart.yaml")) == one.release_of(Place("dockyard.yaml")) == ""
    two = whole(release(), release("", name="other"))
    assert two.release_of(Place("charts/web/Chart.yaml")) == ""
    assert two.release_of(Place("charts/web/Chart.yaml", release="other")) == "other"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place("a.yaml"), "a.yaml"),
        (Place("a.yaml", "b.c"), "a.yaml: b.c"),
        (Place("a.yaml", "b.c", 3), "a.yaml:3: b.c"),
        (Place("a.yaml", line=3, release="web"), "a.yaml:3"),
    ],
)
def test_a_place_is_written_as_editors_find_it(place: Place, text: str) -> None:
    """File and line first."""
    assert str(place) == text
