"""Events for machines: a JSON object a line, in the form that `docs/events.md` documents, flushed one by one."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, TextIO

from dockyard.model.errors import MachineError
from dockyard.model.events import as_record

if TYPE_CHECKING:
    from dockyard.model.events import Stamped


class Ndjson:
    """A reader that writes records."""

    name = "the stream of records"

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def __call__(self, stamped: Stamped) -> None:
        """Write an event.

        Raises:
            MachineError: Whoever read the records has gone.
        """
        try:
            # ASCII: what a program said may be no valid Unicode, and a pipe may have any encoding.
            self._file.write(json.dumps(as_record(stamped), separators=(",", ":")) + "\n")
            self._file.flush()
        except BrokenPipeError:
            self._leave()
            raise MachineError("nobody reads it any more") from None

    def close(self) -> None:
        """Do nothing: each record stands when it is written."""

    def _leave(self) -> None:
        """Send what follows nowhere, since Python would fail once more when it flushes the file at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._file.fileno())
        os.close(nowhere)
