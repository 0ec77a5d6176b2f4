"""A provider that refuses our credentials is paused: its actions wait, everyone is told, a person resumes it."""

import logging

from django.db import transaction

from agentops.lib import redact
from approvals.audit import events
from approvals.models import ProviderPause

log = logging.getLogger(__name__)


def pause(provider: str, reason: str) -> None:
    """Call it in the transaction that puts the action back. A provider may repeat our key in its `reason`."""
    reason = redact.text(reason)
    _, new = ProviderPause.objects.get_or_create(provider=provider, defaults={"reason": reason[:500]})
    if new:
        log.error("%s refuses our credentials: its actions wait until it is resumed", provider)
        events.record(
            actor=events.SYSTEM,
            verb="provider.paused",
            object_type="provider",
            object_id=provider,
            after={"reason": reason},
        )


def resume(provider: str, *, by: str) -> bool:
    """Lets the provider's actions go on; False where it was not paused. `by` is a user name."""
    with transaction.atomic():
        deleted, _ = ProviderPause.objects.filter(provider=provider).delete()
        if deleted:
            events.record(actor=by, verb="provider.resumed", object_type="provider", object_id=provider)
    return bool(deleted)


def paused() -> set[str]:
    return set(ProviderPause.objects.values_list("provider", flat=True))
