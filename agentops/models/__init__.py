"""The tables of the agent's work."""

from agentops.models.run import Run, Step, StoredText
from agentops.models.watching import Tally, Watermark, WebRequest

__all__ = ["Run", "Step", "StoredText", "Tally", "Watermark", "WebRequest"]
