"""Work in parallel, each piece after those that it needs."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.model.errors import LeftFailedError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TICK = 0.2
"""Seconds: a signal that comes just before the main thread waits does not wake it, so it must wake by itself."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of work.

    Attributes:
        name: What others need it by.
        needs: The names of what must have ended well before it begins; names of nothing count as done.
        run: Does it; an error is what it raises.
    """

    name: str
    needs: frozenset[str]
    run: Callable[[], None]


def carry_out(pieces: Sequence[Piece], *, jobs: int) -> None:
    """Do all pieces, at most ``jobs`` at a time.

    When one fails, those that run are brought to their end and nothing more is begun: a rollout that is half way is not
    left alone.

    Args:
        pieces: The pieces; where several may begin, the first ones do.
        jobs: How many run at a time.

    Raises:
        StoppedError: Somebody asked to stop; every piece that ran has ended.
        Exception: The first error of a piece, or the first that left a release broken.
    """
    waiting = {piece.name: piece for piece in pieces}
    running: dict[Future[None], str] = {}
    failed: list[BaseException] = []
    with ThreadPoolExecutor(max(jobs, 1), thread_name_prefix="deploy") as pool:
        try:
            while waiting or running:
                undone = {*waiting, *running.values()}
                able = [piece for piece in waiting.values() if not piece.needs & undone]
                for piece in able[: max(jobs, 1) - len(running)] if not failed else ():
                    running[pool.submit(waiting.pop(piece.name).run)] = piece.name
                if not running:
                    break
                done, _ = wait(running, TICK, return_when=FIRST_COMPLETED)
                ended = [future for future in running if future in done]  # in their order: a set has none
                failed += [error for future in ended if (error := future.exception()) is not None]
                running = {future: name for future, name in running.items() if future not in done}
        except KeyboardInterrupt:  # raised here by the signal; the threads learn of it themselves
            while wait(running, TICK).not_done:
                pass  # a second signal ends this process
            raise StoppedError("Stopped") from None
    _raise_first(failed)


def _raise_first(failed: Sequence[BaseException]) -> None:
    """Raise what failed first; what was left broken comes before what was taken back.

    That somebody stopped the rest is no reason of its own.
    """
    reasons = [error for error in failed if not isinstance(error, StoppedError)] or list(failed)
    if reasons:
        raise max(reasons, key=lambda error: isinstance(error, LeftFailedError))  # the first of them
