"""The routing rules in force and their versions."""

from django.contrib.auth.models import User
from django.db import transaction
from pydantic import ValidationError

from agentops.lib.errors import Refused
from agentops.models import RoutingVersion
from agentops.runs.routing import CODES, Rules
from approvals.audit import events


def current() -> RoutingVersion | None:
    return RoutingVersion.objects.order_by("-pk").first()


def in_force() -> Rules:
    """Rules that cannot be read bring the expert at every sign."""
    version = current()
    return Rules() if version is None else rules_of(version)


def rules_of(version: RoutingVersion) -> Rules:
    try:
        return Rules.model_validate(version.rules)
    except ValidationError:
        return Rules(expert_on=tuple(CODES))


def save(*, rules: Rules, by: User, note: str) -> RoutingVersion:
    """Puts new rules in force, with who and why. Raises Refused without a note."""
    if not note.strip():
        raise Refused("note_missing", "Enter a reason for this change.")
    with transaction.atomic():
        before = in_force()
        version = RoutingVersion.objects.create(
            rules=rules.model_dump(mode="json"), created_by=by, note=note.strip()[:500]
        )
        events.record(
            actor=by.get_username(),
            verb="routing.saved",
            object_type="routing",
            object_id=version.pk,
            before=before.model_dump(mode="json"),
            after={**version.rules, "note": version.note},
        )
    return version
