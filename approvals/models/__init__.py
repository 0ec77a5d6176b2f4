"""The tables of everything that can move money or change an account."""

from approvals.models.action import Action, Attempt, OrderLock, ProviderPause
from approvals.models.audit import AuditEvent
from approvals.models.books import Comparison, Finding, HandSettlement, ProviderEvent
from approvals.models.policy import PolicyVersion
from approvals.models.request import ApprovalRequest, Decision

__all__ = [
    "Action",
    "ApprovalRequest",
    "Attempt",
    "AuditEvent",
    "Comparison",
    "Decision",
    "Finding",
    "HandSettlement",
    "OrderLock",
    "PolicyVersion",
    "ProviderEvent",
    "ProviderPause",
]
