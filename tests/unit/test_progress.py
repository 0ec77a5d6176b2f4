"""Progress of a long command where standard error is not a terminal (a log, for example)."""

import pytest

from agentops.management.progress import Progress


def test_without_a_terminal_a_plain_line_appears_every_30_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = 1000.0
    progress = Progress(clock=lambda: now)
    shown = []
    for passed in (0, 15, 29, 30, 31, 59, 60, 95):
        now = 1000.0 + passed
        progress.show("soak", passed, 600, "s, none killed")
        if capsys.readouterr().err:
            shown.append(passed)
    assert shown == [30, 60, 95]
    progress.show("soak", 96, 600, "s, none killed", last=True)
    assert capsys.readouterr().err == "soak   96/600 s, none killed\n"
