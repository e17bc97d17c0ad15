"""One row of docs/benchmarks.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """What was measured against one budget.

    Attributes:
        what: What was done.
        budget: The budget, in words.
        measured: What Dockyard took, in words.
        bare: What the bare commands took; empty where there are none.
        ratio: Dockyard's median by that of the bare commands; None where there are none.
        holds: Whether the budget holds.
        rounds: How often each was done.
        why: Why it may not hold; told where it does not.
    """

    what: str
    budget: str
    measured: str
    bare: str
    ratio: float | None
    holds: bool
    rounds: int
    why: str = ""
