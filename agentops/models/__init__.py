"""The tables of the agent's work."""

from agentops.models.run import Run, Step, StoredText

__all__ = ["Run", "Step", "StoredText"]
