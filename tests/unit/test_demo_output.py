"""The output of the demo, and what happens if nothing reads it."""

import os
import sys

import pytest

from agentops.lab.management.commands.demo import Command


def test_a_closed_output_stops_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        with pytest.raises(KeyboardInterrupt):
            Command()._say("28 tickets posted")
        Command()._say("Stopping …")
