"""The current routing rules and their versions."""

from django.contrib.auth.models import User
from django.db import transaction
from pydantic import ValidationError

from agentops.lib.errors import Refused
from agentops.models import RoutingVersion
from agentops.runs.routing import CODES, RoutingRules
from approvals.audit import events


def current_routing() -> RoutingVersion | None:
    return RoutingVersion.objects.order_by("-pk").first()


def rules_in_force() -> RoutingRules:
    """Return the current rules. Unreadable rules select the expert model at every signal."""
    version = current_routing()
    return RoutingRules() if version is None else routing_rules_of(version)


def routing_rules_of(version: RoutingVersion) -> RoutingRules:
    try:
        return RoutingRules.model_validate(version.rules)
    except ValidationError:
        return RoutingRules(expert_on=tuple(CODES))


def save_routing(*, rules: RoutingRules, by: User, note: str) -> RoutingVersion:
    """Save new rules as the current version, with actor and reason. Raises Refused without a note."""
    if not note.strip():
        raise Refused("note_missing", "Enter a reason for this change.")
    with transaction.atomic():
        before = rules_in_force()
        version = RoutingVersion.objects.create(
            rules=rules.model_dump(mode="json"), created_by=by, note=note.strip()[:500]
        )
        events.record_event(
            actor=by.get_username(),
            verb="routing.saved",
            object_type="routing",
            object_id=version.pk,
            before=before.model_dump(mode="json"),
            after={**version.rules, "note": version.note},
        )
    return version
