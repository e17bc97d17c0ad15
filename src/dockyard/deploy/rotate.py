"""Replacing a secret: a new random value in .env, a deploy of the releases that use it, and the way back.

The order decides what a kill leaves behind. The file comes first: from then on any plain deploy brings the releases to
what it says, whichever of the two values that is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from dockyard import credentials, envfile
from dockyard.deploy.pipeline import deploy
from dockyard.deploy.prepare import require_secrets
from dockyard.model.errors import (
    DockyardError,
    LeftFailedError,
    RefusedError,
    RolloutError,
    StoppedError,
    UnknownNameError,
)
from dockyard.model.events import Event, Move, Step
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.plan import SENDING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dockyard.deploy.act import Gate
    from dockyard.deploy.options import Options
    from dockyard.model.events import Report
    from dockyard.releases.rollout import Deployed
    from dockyard.workspace import Workspace

SENT = frozenset({DeploymentState.INSTALLING, DeploymentState.UPGRADING})
"""States in which a release may have taken a new value."""

BACK = 30.0
"""Seconds that the way back waits for a deploy that was quicker."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What became of a secret.

    Attributes:
        name: Its name.
        releases: The releases that were sent with its new value.
        deployed: What every release of the deploy came to.
    """

    name: str
    releases: tuple[str, ...]
    deployed: tuple[Deployed, ...]


def concerned(workspace: Workspace, name: str) -> tuple[str, ...]:
    """Return the releases that a new value is deployed with: who uses it, and what they need, in order.

    Raises:
        UnknownNameError: dockyard.yaml names no such secret.
    """
    project = workspace.project
    if name not in (declared := project.secrets()):
        raise UnknownNameError("secret", name, declared)
    wanted = {needed for user in declared[name].releases for needed in project.subset(user).order()}
    return tuple(release for release in project.order() if release in wanted)


def rotate(workspace: Workspace, name: str, report: Report, options: Options, *, gate: Gate) -> Rotated:
    """Give a secret a new random value, in .env and in the releases that use it.

    Args:
        workspace: What to work with; its secrets are the old values.
        name: The secret.
        report: Told of what happens.
        options: How it is deployed.
        gate: As for `deploy`.

    Raises:
        UnknownNameError: dockyard.yaml names no such secret.
        RefusedError: It cannot be made, or does not come from .env; nothing was started.
        RolloutError: A release did not become Ready with it: file and releases have the old value again.
        LeftFailedError: The same, and a release could not be brought back.
        StoppedError: Somebody stopped it; the file has the old value again.
    """
    names, value = concerned(workspace, name), _new_value(workspace, name)
    renewed = workspace.with_secret(name, value)
    require_secrets(renewed, names)  # before the file is touched
    change = _Change(workspace.root / envfile.FILE, name, value)
    seen = _Seen(report)
    try:
        change.make()
        report(Event(name, "Replaced", f"{envfile.FILE} has a new random value"))
        done = deploy(renewed, names, seen, options, gate=gate)
    except (StoppedError, KeyboardInterrupt) as error:
        change.take_back()
        raise _stopped(name, error, seen.sent) from None
    except DockyardError as error:
        change.take_back()
        report(Event(name, "Restored", f"{envfile.FILE} has the old value again"))
        if not seen.sent:
            raise
        order = tuple(release for release in names if release in seen.left_by(error))
        patient = replace(options, wait_lock=max(options.wait_lock, BACK))
        bring_back = partial(deploy, workspace, order, report, patient, gate=gate)
        raise _gone_back(bring_back if order else lambda: None, order, name, error) from None
    except BaseException:
        change.take_back()
        raise
    return Rotated(name, tuple(one.release for one in done if one.verb in SENDING), done)


def _new_value(workspace: Workspace, name: str) -> str:
    """Return a new value for a secret that Dockyard can make and .env holds.

    Raises:
        RefusedError: It is not such a one; says what to do instead.
    """
    secret = workspace.project.secrets()[name]
    by_hand = f"Put the new value into {envfile.FILE}, then `./inv deploy`"
    if not secret.generate:
        why = "dockyard.yaml does not say of it that any random value will do (`generate: true`)"
        raise RefusedError(f"{name} cannot be made here", why=why, fix=by_hand)
    if not credentials.is_there(workspace.root):
        raise RefusedError(f"There is no {envfile.FILE}", fix="`./inv secrets.init` makes one")
    found = credentials.look_up(workspace.root, credentials.environment(), [name])[name]
    if found.source == "environment":
        why = f"The environment wins over {envfile.FILE}, and a command cannot change it for those after it"
        raise RefusedError(
            f"{name} comes from the environment", why=why, fix="Set the new value there, then `./inv deploy`"
        )
    value = credentials.random_value(secret)
    if not value:
        raise RefusedError(f"No random value was found that matches the pattern of {name}", fix=by_hand)
    return value


class _Seen:
    """A reader of a deploy's events that knows how far releases came.

    Attributes:
        sent: Releases that may have taken a new value.
        took: Those of them that serve with it.
    """

    def __init__(self, report: Report) -> None:
        self.sent: set[str] = set()
        self.took: set[str] = set()
        self._report = report

    def __call__(self, event: Event) -> None:
        if isinstance(event, Move) and event.stage in SENT:
            self.sent.add(event.service)
        if isinstance(event, Step) and event.step == "release" and event.ended and event.ok:
            self.took |= {event.service} & self.sent
        self._report(event)

    def left_by(self, error: DockyardError) -> set[str]:
        """Return the releases that may have the new value still.

        One that failed was rolled back by the deploy, unless that failed too, or the cluster went away.
        """
        went_back = isinstance(error, RolloutError) and not isinstance(error, LeftFailedError)
        return self.took if went_back else self.sent


class _Change:
    """A new value in .env, and the way back."""

    def __init__(self, path: Path, name: str, value: str) -> None:
        self._path, self._name = path, name
        self._before = path.read_bytes().decode()
        self._after = envfile.put(self._before, name, value)
        self._old = envfile.parse(self._before).get(name, "")

    def make(self) -> None:
        """Write the new value."""
        envfile.write(self._path, self._after)

    def take_back(self) -> None:
        """Write the old value again; what somebody else wrote meanwhile stays."""
        now = self._path.read_bytes().decode()
        if now != self._before:
            envfile.write(self._path, self._before if now == self._after else envfile.put(now, self._name, self._old))


def _stopped(name: str, error: BaseException, sent: set[str]) -> StoppedError:
    """Return the error that says what state things are in."""
    how = error.why if isinstance(error, StoppedError) else ""
    taken = f"{', '.join(sorted(sent))} may run with the new one" if sent else "No release has taken the new one"
    why = f"{envfile.FILE} has the old value of {name} again. {taken}" + (f": {how}" if how and sent else "")
    return StoppedError("Stopped", why=why, fix=f"`./inv deploy` brings every release to what {envfile.FILE} says")


def _gone_back(
    bring_back: Callable[[], object], names: tuple[str, ...], name: str, error: DockyardError
) -> RolloutError:
    """Deploy with the old value; return the error that says what failed and how things are now."""
    what, diagnosis = f"{name} was not replaced: {error.what}", getattr(error, "diagnosis", None)
    try:
        bring_back()
    except (StoppedError, KeyboardInterrupt) as stopped:
        raise _stopped(name, stopped, set(names)) from None
    except DockyardError as again:
        return LeftFailedError(
            what,
            why=f"{envfile.FILE} has the old value again, and not every release could be brought back to it: {again}",
            fix="`./inv status` shows how they are, and `./inv deploy` tries again",
            diagnosis=diagnosis,
        )
    why = f"{error.why.rstrip('.')}. {envfile.FILE} and all releases have the old value".removeprefix(". ")
    return RolloutError(what, why=why, fix=error.fix, diagnosis=diagnosis)
