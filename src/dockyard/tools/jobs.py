"""Run jobs in parallel along their dependencies."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from dockyard.model.errors import LeftFailedError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

POLL = 0.2
"""Seconds: a signal that arrives just before the main thread waits does not wake it, so it must wake by itself."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work in a graph.

    Attributes:
        name: The name under which other jobs depend on it.
        needs: Names of the jobs that must succeed before it starts; names that no job has are ignored.
        run: The work; it fails by raising.
        counted: Whether it counts towards the limit of jobs that run at a time.
    """

    name: str
    needs: frozenset[str]
    run: Callable[[], None]
    counted: bool = True


def run_jobs(jobs: Sequence[Job], *, limit: int) -> None:
    """Run all jobs, each as soon as the jobs that it needs have succeeded.

    After a failure, running jobs are completed and no further one is started: a rollout must not be abandoned halfway.

    Args:
        jobs: The jobs; of several that could start, the first ones do.
        limit: How many counted jobs run at a time; at least one.

    Raises:
        StoppedError: The user stopped the command; every job that was running has ended.
        Exception: The error of the first job that failed, or of the first that left a release broken.
    """
    if not jobs:
        return
    with ThreadPoolExecutor(len(jobs), thread_name_prefix="job") as pool:
        _raise_first(_Run(jobs, max(limit, 1), pool).complete())


class _Run:
    """The jobs of one call of `run_jobs`, while they run."""

    def __init__(self, jobs: Sequence[Job], limit: int, pool: ThreadPoolExecutor) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._sorter = TopologicalSorter({job.name: job.needs & self._jobs.keys() for job in jobs})
        self._sorter.prepare()
        self._limit, self._pool = limit, pool
        self._ready: set[str] = set()
        self._running: dict[Future[None], Job] = {}
        self._errors: list[BaseException] = []

    def complete(self) -> Sequence[BaseException]:
        """Run jobs until none is left, or none may start any more; return the errors in the order they occurred.

        Raises:
            StoppedError: The user stopped the command.
        """
        try:
            self._start()
            while self._running:
                done, _ = wait(self._running, POLL, return_when=FIRST_COMPLETED)
                for future in [future for future in self._running if future in done]:  # in order: a set has none
                    self._finish(future)
                self._start()
        except KeyboardInterrupt:  # raised in this thread by the signal; the jobs see the request themselves
            while wait(self._running, POLL).not_done:
                pass  # a second signal ends this process
            raise StoppedError("Stopped") from None
        return self._errors

    def _start(self) -> None:
        if self._errors:
            return
        self._ready.update(self._sorter.get_ready())
        for job in tuple(self._startable()):
            self._ready.remove(job.name)
            self._running[self._pool.submit(job.run)] = job

    def _startable(self) -> Iterator[Job]:
        """Yield the jobs that may start now, in the order in which they were given."""
        free = self._limit - sum(job.counted for job in self._running.values())
        for job in (job for name, job in self._jobs.items() if name in self._ready):
            if not job.counted:
                yield job
            elif free > 0:
                free -= 1
                yield job

    def _finish(self, future: Future[None]) -> None:
        job = self._running.pop(future)
        if (error := future.exception()) is not None:
            self._errors.append(error)
        else:
            self._sorter.done(job.name)


def _raise_first(errors: Sequence[BaseException]) -> None:
    """Raise the first error, but one that left a release broken before one whose effects were undone.

    That the rest was stopped is not a cause of its own.
    """
    causes = [error for error in errors if not isinstance(error, StoppedError)] or list(errors)
    if causes:
        raise max(causes, key=lambda error: isinstance(error, LeftFailedError))  # the first of them
