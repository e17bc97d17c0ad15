"""Types of request fields that end up in PostgreSQL columns."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

LARGEST_ID = 2**63 - 1
"""The largest value of PostgreSQL's type bigint."""

TITLE_LENGTH = 500
"""The maximum length of a task's title."""


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("The character NUL is not allowed")
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_without_nul)]
"""Text that is not blank; PostgreSQL cannot store the character NUL."""
