"""Pause a provider that refuses our credentials.

Its actions wait and every page shows a banner until a person resumes the provider.
"""

import logging

from django.db import transaction

from agentops.lib import redact
from approvals.audit import events
from approvals.models import ProviderPause

log = logging.getLogger(__name__)


def pause_provider(provider: str, reason: str) -> None:
    """Pause a provider. Call it in the transaction that puts the action back. The reason is redacted, because providers
    may repeat our API key in it."""
    reason = redact.text(reason)
    # Every waiting action gets the same refusal; only the first one pauses the provider and alerts people.
    _, new = ProviderPause.objects.get_or_create(provider=provider, defaults={"reason": reason[:500]})
    if new:
        log.error("%s rejects our credentials; its actions are on hold until it is resumed", provider)
        events.record_event(
            actor=events.SYSTEM,
            verb="provider.paused",
            object_type="provider",
            object_id=provider,
            after={"reason": reason},
        )


def resume_provider(provider: str, *, by: str) -> bool:
    """Resume a provider's actions. Returns False if it was not paused. `by` is a user name."""
    with transaction.atomic():
        deleted, _ = ProviderPause.objects.filter(provider=provider).delete()
        if deleted:
            events.record_event(actor=by, verb="provider.resumed", object_type="provider", object_id=provider)
    return bool(deleted)


def paused_names() -> set[str]:
    return set(ProviderPause.objects.values_list("provider", flat=True))
