"""Writing the audit's events: who did what to which object. Reading them is `queries`."""

from typing import Any

from approvals.models import AuditEvent

AGENT = "agent"
SYSTEM = "system"


def record(
    *,
    actor: str,
    verb: str,
    object_type: str,
    object_id: object,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Call it in the transaction of the change that it tells of."""
    AuditEvent.objects.create(
        actor=actor,
        verb=verb,
        object_type=object_type,
        object_id=str(object_id),
        before=before or {},
        after=after or {},
    )
