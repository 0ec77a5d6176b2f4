"""The tables of everything that can move money or change an account."""

from approvals.models.action import Action, Attempt, OrderLock, ProviderPause
from approvals.models.audit import AuditEvent, AuditSeal, Notification
from approvals.models.books import Comparison, Finding, HandSettlement, ProviderEvent
from approvals.models.deferral import Deferral
from approvals.models.policy import DialLowering, PolicyVersion
from approvals.models.request import ApprovalRequest, Decision
from approvals.models.stop import Stop
from approvals.models.upkeep import AgentDay, Wakeup

__all__ = [
    "Action",
    "AgentDay",
    "ApprovalRequest",
    "Attempt",
    "AuditEvent",
    "AuditSeal",
    "Comparison",
    "Decision",
    "Deferral",
    "DialLowering",
    "Finding",
    "HandSettlement",
    "Notification",
    "OrderLock",
    "PolicyVersion",
    "ProviderEvent",
    "ProviderPause",
    "Stop",
    "Wakeup",
]
