"""The groups and their permissions. Every URL requires one of these permissions."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

_READ = (
    "approvals.view_dashboard",
    "approvals.view_action",
    "approvals.view_policyversion",
    "approvals.view_auditevent",
    "tickets.view_ticket",
    "agentops.view_run",
)
ROLES = {
    "lead": (
        *_READ,
        "approvals.decide",
        "approvals.stop_effects",
        "agentops.replay_run",
        "approvals.close_finding",
        "tickets.add_ticket",
        "tickets.post_message",
    ),
    "admin": (
        *_READ,
        "tickets.add_ticket",
        "approvals.change_policyversion",
        "approvals.stop_effects",
        "approvals.release_effects",
        "agentops.change_budget",
        "agentops.add_modelprice",
        "agentops.add_routingversion",
        "approvals.resume_provider",
        "agentops.replay_run",
        "approvals.close_finding",
        *(f"auth.{verb}_{model}" for verb in ("view", "add", "change") for model in ("user", "group")),
    ),
    "auditor": _READ,
}


def make_groups(**_: Any) -> None:
    """Set each group's permissions to this table. Runs after every migrate, when the permissions exist."""
    for name, codes in ROLES.items():
        wanted = Q(pk__in=[])
        for code in codes:
            app, codename = code.split(".")
            wanted |= Q(content_type__app_label=app, codename=codename)
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.set(Permission.objects.filter(wanted))
