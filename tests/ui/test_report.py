"""The report: one page that stands alone."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from dockyard.images.size import ImageSize, SizeReport
from dockyard.journal import Failure, MoveMade, Run, StepRun
from dockyard.model.diagnosis import Cause, CauseKind, Diagnosis, Evidence
from dockyard.model.redaction import Redactor
from dockyard.releases.status import HistoryEntry
from dockyard.tools.docker import LayerFacts
from dockyard.ui.report import ReportData, page, write_report
from tests.ui.samples import AT, DIAGNOSIS
from tests.ui.test_html import Seen

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>&\x1b[31m\u2028"
MB = 1_000_000
ZONE = timezone(timedelta(hours=5, minutes=30), "IST")


def at(seconds: float) -> timedelta:
    """Return so many seconds."""
    return timedelta(seconds=seconds)


FAILED = Run(
    id="r2",
    command="deploy",
    services=("mcp", "api"),
    began=AT,
    ended=AT + at(20),
    exit_code=1,
    text="api is back on revision 3",
    steps=(
        StepRun("api", "build", AT, AT + at(8)),
        StepRun("api", "release", AT + at(8), AT + at(16), ok=False, text="not Ready"),
        StepRun("api", "polish", AT + at(16)),
    ),
    moves=(MoveMade("api", AT, "", "Building"), MoveMade("api", AT + at(16), "Pending", "Failed", "twice")),
    failures=(Failure("api", AT + at(16), DIAGNOSIS),),
)
GOOD = Run("r1", "deploy", ("api",), AT - timedelta(days=1), AT - timedelta(days=1) + at(5), 0, "api serves")
KILLED = Run("r0", "deploy", ("api",), AT - timedelta(days=2))
OTHER = Run("r3", "destroy", ("api",), AT + at(90), AT + at(99), 0)

LAYERS = tuple(LayerFacts(f"COPY part{size} /app # buildkit", size * MB) for size in (40, 30, 20, 8, 5, 2, 1))
SIZES = SizeReport((ImageSize("api", "api:1", 106 * MB, LAYERS), ImageSize("big", "big:1", 260 * MB, ())), 366 * MB)
HISTORY = {
    "api": (
        HistoryEntry(1, AT, "superseded", good=True, tag="0.0.0-aaa", remark="Install complete"),
        HistoryEntry(2, AT + at(60), "deployed", good=False, tag="0.0.0-bbb", remark="Upgrade complete"),
    )
}


def shown(**parts: object) -> str:
    """Return a page about an app."""
    return page(replace(ReportData(project="app", made=AT + at(120), zone=ZONE), **parts))  # type: ignore[arg-type] # the parts of a case


FULL = shown(runs=(KILLED, GOOD, FAILED, OTHER), sizes=SIZES, history=HISTORY)


def test_the_page_stands_alone() -> None:
    """Nothing is fetched, nothing runs; language and title are there."""
    assert not re.search(r"(?:src|href)=|@import|url\(|https?:|<script", FULL)
    assert FULL.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "<title>app: Dockyard report</title>" in FULL


def test_the_head_tells_how_the_last_deploy_went() -> None:
    """In local time with its zone; a later destroy is no deploy."""
    seen = Seen(FULL).text
    assert "Dockyard report of 2026-03-01 17:32:00. Times are local: IST, UTC+05:30 today." in seen
    assert "Last deployfailed (1)Begun2026-03-01 17:30:00Took20.0 sExit code1" in seen
    assert '<time datetime="2026-03-01T12:00:00+00:00">2026-03-01 17:30:00</time>' in FULL


def test_the_timeline_has_steps_states_and_causes() -> None:
    """A service that was not touched stands there too; what failed is red and named, what has no end is amber."""
    assert re.search(r'<h3>mcp</h3><p class="[^"]*">Unchanged|<h3>mcp</h3><p>Unchanged', FULL)
    assert '<h3>api</h3><p class="bad">Failed</p>' in FULL
    assert "api: build took 8.0 s, from 0.0 s to 8.0 s." in FULL
    assert "api: release failed after 8.0 s, from 8.0 s to 16.0 s. not Ready" in FULL
    assert 'class="fill-failed"/><text x="6" y="14.5" class="label step">✗ release 8.0 s</text>' in FULL
    assert "api: polish has no end after 4.0 s" in FULL
    assert "<strong>api: container app ended with exit code 3 twice.</strong>" in FULL
    assert "asked for a start within 30 s, has 2 restarts in 9 s." in FULL
    assert "line 24" in FULL
    assert "line 4\n" not in FULL


def test_charts_have_tables_beside_them() -> None:
    """Every step and move, every deploy; for who does not see charts."""
    seen = Seen(FULL).text
    assert "apirelease8.0 s16.0 sfailednot Ready" in seen
    assert "apipolish16.0 s-no end" in seen
    assert "apiPending → Failed16.0 stwice" in seen
    assert "2026-02-28 17:30:005.0\N{NO-BREAK SPACE}sdoneapiapi serves" in seen
    assert "2026-02-27 17:30:00-no endapi" in seen
    assert FULL.count('role="img"') == FULL.count("Timeline of") // 2 + 4


def test_images_have_their_layers_and_limits() -> None:
    """The biggest are named, the others summed; what is too large is red."""
    seen = Seen(FULL).text
    assert "Together 366.0 MB of less than 500 MB" in seen
    assert "40.0 MBCOPY part40 /app # buildkit" in seen
    assert "3.0 MB2 smaller layers" in seen
    assert "part2 " not in seen
    assert '<p class="bad">260.0 MB</p>' in FULL


def test_releases_have_their_history() -> None:
    """The newest first, with what was seen Ready."""
    seen = Seen(FULL).text
    assert "22026-03-01 17:31:00deployed0.0.0-bbbnoUpgrade complete" in seen
    assert seen.index("Upgrade complete") < seen.index("12026-03-01 17:30:00superseded0.0.0-aaayesInstall complete")


def test_a_page_without_anything_says_what_it_lacks() -> None:
    """No cluster, no engine, no deploy yet."""
    seen = Seen(shown(missing=("the history of releases: The cluster does not run",))).text
    assert "The journal has no deploy yet; `./inv deploy` makes one." in seen
    assert "What this page lacksThe history of releases: The cluster does not run." in seen
    assert "Nothing is installed." in Seen(shown(history={})).text


def test_a_run_without_an_end_says_so() -> None:
    """Killed, or going on."""
    seen = Seen(shown(runs=(KILLED,))).text
    assert "It has no end: it was killed, or goes on." in seen
    assert "Last deployno end" in seen


@pytest.mark.parametrize(
    ("code", "outcome", "mood"),
    [(0, "done", "good"), (3, "failed (3)", "bad"), (4, "refused (4)", "warn"), (130, "stopped (130)", "warn")],
)
def test_a_refusal_is_no_failure(code: int, outcome: str, mood: str) -> None:
    """Nor is Ctrl-C; the exit code stands beside the word."""
    assert f'<span class="{mood}">{outcome}</span>' in shown(runs=(replace(GOOD, exit_code=code),))


def test_no_text_becomes_markup() -> None:
    """Whoever names services, layers and revisions, and whatever a container writes."""
    cause = Cause(
        CauseKind.PROBE, HOSTILE, pod=HOSTILE, container=HOSTILE, compared=HOSTILE, event=HOSTILE, fix=HOSTILE
    )
    diagnosis = Diagnosis(HOSTILE, cause, (Evidence(HOSTILE, (HOSTILE,)),))
    run = replace(
        FAILED,
        services=(HOSTILE,),
        text=HOSTILE,
        steps=(StepRun(HOSTILE, HOSTILE, AT, AT + at(9), text=HOSTILE),),
        moves=(MoveMade(HOSTILE, AT, HOSTILE, HOSTILE, HOSTILE),),
        failures=(Failure(HOSTILE, AT, diagnosis),),
    )
    made = page(
        ReportData(
            project=HOSTILE,
            made=AT,
            runs=(run,),
            sizes=SizeReport((ImageSize(HOSTILE, HOSTILE, 1, (LayerFacts(HOSTILE, 1),)),), 1, HOSTILE),
            history={HOSTILE: (HistoryEntry(1, AT, HOSTILE, good=True, tag=HOSTILE, remark=HOSTILE),)},
            missing=(HOSTILE,),
        )
    )
    seen = Seen(made)
    assert not {"script", "img"} & set(seen.tags)
    assert not any(name.startswith("on") for name, _ in seen.attributes)
    assert "\x1b" not in made
    assert set(seen.tags) <= set(Seen(FULL).tags)


def test_a_page_is_written_for_its_owner(tmp_path: Path) -> None:
    """In one go, over an earlier one; half a character is no reason to fail."""
    path = tmp_path / ".dockyard" / "report.html"
    write_report(path, ReportData(project="first", made=AT), Redactor())
    write_report(path, ReportData(project="half \ud800", made=AT), Redactor())
    assert "half ?" in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]


@pytest.mark.parametrize("count", [1, 20, 40])
def test_only_the_last_deploys_are_compared(count: int) -> None:
    """As many as fit."""
    runs = tuple(replace(GOOD, id=f"r{one}", began=AT + at(one), ended=AT + at(one + 5)) for one in range(count))
    assert f"The last {min(count, 20)} deploys, the newest first" in shown(runs=runs)
