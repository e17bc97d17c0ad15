"""Events for machines."""

from __future__ import annotations

import io
import json
import os

import pytest

from dockyard.model.errors import MachineError
from dockyard.model.events import Event, as_record
from dockyard.ui.ndjson import Ndjson
from tests.ui.samples import DEPLOY, stamped


class Flushed(io.StringIO):
    """A file that counts how often it was flushed."""

    flushes = 0

    def flush(self) -> None:
        """Count."""
        self.flushes += 1


def test_each_event_is_a_line_that_is_flushed() -> None:
    """Progress too: who reads it decides what to leave out."""
    file = Flushed()
    reader = Ndjson(file)
    for event in DEPLOY:
        reader(stamped(event))
    reader.close()
    records = [json.loads(line) for line in file.getvalue().splitlines()]
    assert records == [json.loads(json.dumps(as_record(stamped(event)))) for event in DEPLOY]
    assert file.flushes == len(DEPLOY)


def test_a_record_is_one_line_of_ascii() -> None:
    """Whatever a program said: line ends, other alphabets, half a character."""
    file = io.StringIO()
    text = "a\nb\u2028c ä \ud800"
    Ndjson(file)(stamped(Event("api", "Note", text)))
    line = file.getvalue()
    assert (line.count("\n"), line.isascii()) == (1, True)
    assert json.loads(line)["text"] == text


def test_who_stops_reading_is_told_of_once() -> None:
    """`deploy --json | head -1` deploys to its end; what follows goes nowhere."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        reader = Ndjson(file)
        with pytest.raises(MachineError, match="nobody reads it any more"):
            reader(stamped(DEPLOY[0]))
        reader(stamped(DEPLOY[0]))
