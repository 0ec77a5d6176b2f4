"""The tables of the agent's work."""

from agentops.models.replay import Replay, ReplayStep
from agentops.models.routing import Breaker, RoutingVersion
from agentops.models.run import Run, Step, StoredText
from agentops.models.spending import Budget, Hold, ModelPrice, Spending
from agentops.models.watching import Tally, Watermark, WebRequest

__all__ = [
    "Breaker",
    "Budget",
    "Hold",
    "ModelPrice",
    "Replay",
    "ReplayStep",
    "RoutingVersion",
    "Run",
    "Spending",
    "Step",
    "StoredText",
    "Tally",
    "Watermark",
    "WebRequest",
]
