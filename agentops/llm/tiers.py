"""The two tiers of language models that a step may be routed to. Pure."""

from typing import Literal

Tier = Literal["plain", "expert"]
PLAIN = "plain"
