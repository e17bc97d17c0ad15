"""The report: one HTML page that stands alone, of what the journal, the images and Helm's history tell.

No file beside it, no script, no font from elsewhere; what charts show stands in tables as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING

from dockyard.model.image import MAX_COMBINED_MB, MAX_SIZE_MB
from dockyard.ui.charts import Bar, axis, columns, stack, track
from dockyard.ui.explain import LAST as LINES
from dockyard.ui.html import Html, element, table
from dockyard.ui.stream import redacted
from dockyard.ui.style import STYLE
from dockyard.ui.words import duration, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dockyard.images.size import ImageSize, SizeReport
    from dockyard.journal import Failure, Run, StepRun
    from dockyard.model.redaction import Redactor
    from dockyard.releases.status import HistoryEntry

COMMAND = "deploy"

LAST = 20
"""Deploys whose durations are shown."""

LABELS = 3
"""Columns that have the time below them."""

LAYERS = 5
"""Layers of an image that have a colour and a line of their own."""

STEP_WIDTH = 110
"""Characters of an instruction that are shown."""

OUTCOMES = {4: "refused", 130: "stopped"}
"""Exit codes of deploys that did not fail; any other but 0 is a failure."""

KINDS = frozenset({"build", "load", "release", "rollback", "verify"})
"""Steps that have a colour of their own."""

MEGABYTE = 1_000_000

NARROW = "\N{NO-BREAK SPACE}"
"""Between a figure and its unit, where a narrow column would part them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """What the report tells of.

    Attributes:
        project: The project's name.
        made: When the report was made.
        runs: The runs of the journal, oldest first.
        sizes: The images; None where they could not be measured.
        history: Each release's revisions, oldest first; None where no cluster could be asked.
        missing: What the page lacks and why, a sentence each.
        zone: The zone that times are shown in; the machine's own by default.
    """

    project: str
    made: datetime
    runs: Sequence[Run] = ()
    sizes: SizeReport | None = None
    history: Mapping[str, Sequence[HistoryEntry]] | None = None
    missing: Sequence[str] = field(default=())
    zone: tzinfo | None = None


def write_report(path: Path, data: ReportData, redactor: Redactor) -> None:
    """Write the page, readable by its owner alone: it has lines of logs.

    Args:
        path: The file.
        data: What it tells of.
        redactor: Takes the values of secrets out of that: what Helm, the engine and errors say may hold any.

    Raises:
        OSError: It cannot be written; an earlier one stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=0o600)
    hidden = redacted(data, redactor.redact, redactor.redact_log)  # before the page cuts a text, or escapes it
    new.write_text(page(hidden), encoding="utf-8", errors="replace")
    new.replace(path)


def page(data: ReportData) -> str:
    """Return the page."""
    return Page(data).html()


class Page:
    """One report."""

    def __init__(self, data: ReportData) -> None:
        self._data = data
        self._deploys = [run for run in data.runs if run.command == COMMAND]
        self._last = self._deploys[-1] if self._deploys else None

    def html(self) -> str:
        """Return the whole page."""
        title = f"{self._data.project}: Dockyard report"
        head = element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("title", title),
            element("style", Html(STYLE)),
        )
        body = element("body", self._header(), element("main", *self._sections()))
        return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"

    def _sections(self) -> Iterator[Html]:
        yield self._timeline()
        yield self._durations()
        yield self._images()
        yield self._history()
        if self._data.missing:
            lines = (element("p", sentence(f"{line[:1].upper()}{line[1:]}")) for line in self._data.missing)
            yield _section("What this page lacks", *lines)

    def _header(self) -> Html:
        made, last = self._time(self._data.made, date=True), self._last
        zone = self._local(self._data.made)
        parts = [
            element("h1", self._data.project),
            element("p", "Dockyard report of ", made, f". Times are local: {zone:%Z}, UTC{_offset(zone)} today."),
        ]
        if last is not None:
            facts = {
                "Last deploy": element("span", _outcome(last), class_=_mood(last)),
                "Begun": self._time(last.began, date=True),
                "Took": _took(last),
                "Exit code": "-" if last.exit_code is None else str(last.exit_code),
            }
            pairs = (element("div", element("dt", key), element("dd", value)) for key, value in facts.items())
            parts.append(element("dl", *pairs, class_="facts"))
        return element("header", *parts)

    def _timeline(self) -> Html:
        run = self._last
        if run is None:
            return _section("Last deploy", element("p", "The journal has no deploy yet; `./inv deploy` makes one."))
        whole = max(0.1, (_last_moment(run) - run.began).total_seconds())
        names = dict.fromkeys((*run.services, *(step.service for step in run.steps), *(m.service for m in run.moves)))
        rows = [self._service(run, name, whole) for name in names]
        rows.append(element("div", element("div", class_="name"), axis(whole), class_="row axis"))
        said = element("p", sentence(run.text), class_=_mood(run)) if run.text else ""
        if run.ended is None:
            said = element("p", "It has no end: it was killed, or goes on.", class_="warn")
        causes = (_cause(failure) for failure in run.failures)
        return _section("Last deploy", said, *rows, *causes, self._steps_table(run))

    def _service(self, run: Run, name: str, whole: float) -> Html:
        states = [(entry.after, (entry.at - run.began).total_seconds()) for entry in run.moves if entry.service == name]
        bars = [
            Bar(start, end, _state_kind(state), state, f"{state} from {duration(start)} to {duration(end)}")
            for (state, start), (_, end) in pairwise([*states, ("", whole)])
        ]
        steps = [_step_bar(run, step, whole) for step in run.steps if step.service == name]
        final = states[-1][0] if states else "Unchanged" if not steps else ""
        mood = {"Ready": "good", "Failed": "bad"}.get(final)
        title = element("div", element("h3", name), element("p", final, class_=mood), class_="name")
        return element("div", title, track(bars, steps, whole=whole, name=name), class_="row")

    def _steps_table(self, run: Run) -> Html:
        def gone(at: datetime | None) -> str:
            return "-" if at is None else f"{(at - run.began).total_seconds():.1f} s"

        steps = (
            (
                step.service,
                step.step,
                gone(step.began),
                gone(step.ended),
                "no end" if step.ended is None else "done" if step.ok else "failed",
                step.text,
            )
            for step in run.steps
        )
        moves = (
            (entry.service, f"{entry.before or '-'} → {entry.after}", gone(entry.at), "", "", entry.text)
            for entry in run.moves
        )
        head = ("service", "step or move", "from", "to", "outcome", "remark")
        return _as_table(table(head, (*steps, *moves), caption="Steps and moves, in seconds since the begin"))

    def _durations(self) -> Html:
        runs = self._deploys[-LAST:]
        if not runs:
            return _section("Durations", element("p", "There is no deploy to compare yet."))
        bars = [
            Bar(
                0,
                run.seconds or 0.0,
                {"good": "good", "bad": "failed"}.get(_mood(run), "open"),
                f"{self._local(run.began):%m-%d %H:%M}" if at % max(1, -(-len(runs) // LABELS)) == 0 else "",
                f"{self._local(run.began):%Y-%m-%d %H:%M:%S}: {_outcome(run)}, {duration(run.seconds or 0.0)}",
            )
            for at, run in enumerate(runs)
        ]
        rows = (
            (
                self._time(run.began, date=True),
                _took(run).replace(" ", NARROW),
                element("span", _outcome(run), class_=_mood(run)),
                ", ".join(run.services),
                run.text,
            )
            for run in reversed(runs)
        )
        caption = f"The last {len(runs)} deploys, the newest first"
        chart = columns(bars, highest=max(bar.end for bar in bars), name="Durations of the last deploys")
        hint = element("p", "Green: done. Red: failed. Amber: refused, stopped, or without an end.", class_="hint")
        content = table(("begun", "took", "outcome", "releases", "remark"), rows, caption=caption)
        return _section("Durations", hint, chart, _as_table(content))

    def _images(self) -> Html:
        sizes = self._data.sizes
        if sizes is None:
            return _section("Images", element("p", "No sizes: see below."))
        combined = sizes.combined / MEGABYTE
        hint = element(
            "p",
            f"MB are 1,000,000 bytes of {sizes.basis}. Together ",
            element("strong", f"{combined:.1f} MB", class_="good" if combined < MAX_COMBINED_MB else "bad"),
            f" of less than {MAX_COMBINED_MB} MB; the dashed mark is the limit for one, {MAX_SIZE_MB} MB.",
            class_="hint",
        )
        whole = max([MAX_SIZE_MB * MEGABYTE * 1.04, *(image.size for image in sizes.images)])
        return _section("Images", hint, *(_image(image, whole) for image in sizes.images))

    def _history(self) -> Html:
        history = self._data.history
        if history is None:
            return _section("Releases", element("p", "No history: see below."))
        parts = []
        for release, revisions in history.items():
            rows = (
                (
                    one.revision,
                    self._time(one.updated, date=True),
                    one.status,
                    element("code", one.tag),
                    element("span", "yes", class_="good") if one.good else "no",
                    one.remark,
                )
                for one in reversed(revisions)
            )
            head = ("revision", "made", "status", "image tag", "seen Ready", "remark")
            parts.append(table(head, rows, caption=f"{release}: {len(revisions)} revisions, the newest first"))
        return _section("Releases", *(parts or [element("p", "Nothing is installed.")]))

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self._data.zone)

    def _time(self, at: datetime, *, date: bool) -> Html:
        shown = f"{self._local(at):%Y-%m-%d %H:%M:%S}" if date else f"{self._local(at):%H:%M:%S}"
        return element("time", shown, datetime=at.astimezone(UTC).isoformat(timespec="seconds"))


def _section(title: str, *content: object) -> Html:
    return element("section", element("h2", title), *content)


def _as_table(content: Html) -> Html:
    return element("details", element("summary", "The same as a table"), content)


def _offset(at: datetime) -> str:
    minutes = round((at.utcoffset() or timedelta()).total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _took(run: Run) -> str:
    return "-" if run.seconds is None else duration(run.seconds)


def _outcome(run: Run) -> str:
    if run.exit_code is None:
        return "no end"
    return f"{OUTCOMES.get(run.exit_code, 'failed')} ({run.exit_code})" if run.exit_code else "done"


def _mood(run: Run) -> str:
    if run.exit_code is None or run.exit_code in OUTCOMES:
        return "warn"
    return "bad" if run.exit_code else "good"


def _last_moment(run: Run) -> datetime:
    moments = (step.ended or step.began for step in run.steps)
    return max(
        [run.ended or run.began, *moments, *(entry.at for entry in run.moves), *(one.at for one in run.failures)]
    )


def _state_kind(state: str) -> str:
    return {"Ready": "state-ready", "Failed": "state-failed"}.get(state, "state")


def _step_bar(run: Run, step: StepRun, whole: float) -> Bar:
    start = (step.began - run.began).total_seconds()
    end = whole if step.ended is None else (step.ended - run.began).total_seconds()
    took = duration(end - start)
    kind, how = (step.step if step.step in KINDS else "other"), "took"
    if step.ended is None:
        kind, how = "open", "has no end after"
    elif not step.ok:
        kind, how = "failed", "failed after"
    label = f"{'✗ ' if kind == 'failed' else ''}{step.step} {took}"
    title = f"{step.service}: {step.step} {how} {took}, from {duration(start)} to {duration(end)}. {step.text}"
    return Bar(start, end, kind, label, title.strip())


def _cause(failure: Failure) -> Html:
    cause = failure.diagnosis.cause
    parts = [element("p", element("strong", sentence(f"{failure.service}: {cause.sentence}")))]
    if cause.compared:
        parts.append(element("p", sentence(cause.compared)))
    if cause.pod:
        parts.append(
            element("p", "Pod ", element("code", cause.pod), f", container {cause.container}" * bool(cause.container))
        )
    if cause.event:
        parts.append(element("p", "Event: ", element("code", cause.event)))
    for evidence in failure.diagnosis.evidence:
        parts.append(element("p", f"{evidence.title}:"))
        parts.append(element("pre", "\n".join(evidence.lines[-LINES:]) or "(no lines)", tabindex=0))
    if cause.fix:
        parts.append(element("p", element("b", "Next: "), sentence(cause.fix)))
    return element("div", *parts, class_="cause")


def _image(image: ImageSize, whole: float) -> Html:
    largest, rest = image.layers[:LAYERS], sum(layer.size for layer in image.layers[LAYERS:])
    layers = [(f"l{at}", _instruction(layer.created_by), layer.size) for at, layer in enumerate(largest)]
    if rest:
        layers.append(("rest", f"{len(image.layers) - LAYERS} smaller layers", rest))
    bars, at = [], 0.0
    for kind, name, size in layers:
        bars.append(Bar(at, at + size, kind, _mb(size), f"{name}: {_mb(size)}"))
        at += size
    lines = (
        element(
            "li",
            element(
                "svg", element("rect", width="100%", height="100%", rx=2, class_=f"fill-{kind}"), aria_hidden="true"
            ),
            element("span", _mb(size), class_="mb"),
            element("code", name, title=name),
        )
        for kind, name, size in layers
    )
    fits = element("p", _mb(image.size), class_="good" if image.fits else "bad")
    title = element(
        "div", element("h3", image.name), fits, element("p", element("code", image.reference)), class_="name"
    )
    chart = stack(bars, whole=whole, limit=MAX_SIZE_MB * MEGABYTE, name=f"Layers of {image.name}, {_mb(image.size)}")
    return element("div", title, element("div", chart, element("ul", *lines, class_="layers")), class_="row")


def _instruction(created_by: str) -> str:
    return " ".join(created_by.removeprefix("/bin/sh -c ").removeprefix("#(nop) ").split())[:STEP_WIDTH]


def _mb(size: float) -> str:
    return f"{size / MEGABYTE:.1f} MB" if size >= MEGABYTE / 10 else f"{size / 1000:.1f} kB"
