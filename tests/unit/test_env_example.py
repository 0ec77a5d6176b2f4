"""`.env.example` lists every setting that settings.py reads, and no other."""

import re

from agentops.lab.local.programs import ROOT


def test_every_setting_is_in_the_example() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "agentops" / "settings.py").read_text()))
    shown = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert shown == read
