"""Read the policy in force and save new versions (docs/design.md, 5.14)."""

from collections.abc import Collection
from contextlib import suppress

from django.contrib.auth.models import User
from django.db import connection, transaction
from pydantic import ValidationError

from agentops.lib.errors import Refused
from approvals.audit import events
from approvals.grounding import check
from approvals.kinds import first_faults
from approvals.models import Action, PolicyVersion
from approvals.policy.rules import Rules

OUTDATED = ("policy_changed", "based_on_unknown")  # error codes of a change that is not based on the newest version


def current_policy() -> PolicyVersion:
    return PolicyVersion.objects.latest("pk")


def policy_rules(version: PolicyVersion) -> Rules:
    """Return the version's rules. Raises Refused if they cannot be read, so that nothing is judged by them."""
    try:
        return Rules.model_validate(version.rules)
    except ValidationError as error:
        raise Refused(
            "policy_unreadable", f"Policy version {version.pk} can't be read: {first_faults(error)}."
        ) from error


def agent_may_decline(action: Action) -> bool:
    """Return whether the rules that judged a blocked action let the agent turn it down alone, without a person. False
    if they can't be read."""
    try:
        return action.kind in policy_rules(action.policy_version).agent_may_decline
    except Refused:
        return False


def save_policy(
    *, rules: Rules, by: User | None, note: str, based_on: int | None = None, kinds: Collection[str] = ()
) -> PolicyVersion:
    """Put new rules in force and write the audit event. `by` is None if the dial lowers itself. `kinds` are the names
    of the registered kinds of action.

    Raises Refused without a note, for a new acknowledgement that claims or promises something, for a kind that is
    neither registered nor in the rules before, and if `based_on` is given but is not the newest version, because the
    change in between would be lost.
    """
    if not note.strip():
        raise Refused("note_missing", "Enter a reason for this change.")
    with transaction.atomic():
        lock_policy()
        before = PolicyVersion.objects.order_by("-pk").first()
        if before and based_on is not None:
            require_newest(newest=before, based_on=based_on)
        _require_known(rules, before, kinds)
        if before is None or before.rules.get("acknowledgement") != rules.acknowledgement:
            _require_no_claims(rules.acknowledgement)
        version = PolicyVersion.objects.create(
            rules=rules.model_dump(mode="json"), created_by=by, note=note.strip()[:500]
        )
        events.record_event(
            actor=by.get_username() if by else events.SYSTEM,
            verb="policy.saved",
            object_type="policy",
            object_id=version.pk,
            before=before.rules if before else {},
            after={**version.rules, "note": version.note},
        )
    return version


def _require_known(rules: Rules, before: PolicyVersion | None, kinds: Collection[str]) -> None:
    """Raise Refused if the rules name an unknown kind. One that the version before names may stay: its kind may be gone
    in this release, which must not keep the dial from lowering itself."""
    kept: set[str] = set()
    if before:
        with suppress(Refused):  # an unreadable version is replaced, and keeps nothing
            kept = policy_rules(before).named_kinds
    unknown = rules.named_kinds - kept - set(kinds)
    if unknown:
        message = f"Unknown kind of action: {', '.join(sorted(unknown))}. Valid kinds: {', '.join(kinds)}."
        raise Refused("unknown_kind", message, valid=list(kinds))


def _require_no_claims(acknowledgement: str) -> None:
    """Raise Refused if the text claims or promises anything. Only a changed text is checked: a stricter grounding check
    in a later release must not keep the dial from lowering itself."""
    claimed = check.find_ungrounded(acknowledgement, [], [])
    if claimed:
        problems = " ".join(claimed)
        message = f"The message to customers must not claim or promise anything. {problems}"
        raise Refused("acknowledgement_claims", message)


def require_newest(*, newest: PolicyVersion, based_on: int) -> None:
    """Raise Refused, with a code from OUTDATED, unless the change is based on the newest version."""
    if based_on == newest.pk:
        return
    if not PolicyVersion.objects.filter(pk=based_on).exists():
        message = f"Not saved: the form doesn't name the version it changes. Version {newest.pk} is shown now."
        raise Refused("based_on_unknown", message, newest=newest.pk)
    who = newest.created_by.get_username() if newest.created_by else events.SYSTEM
    message = (
        f"Not saved: {who} saved version {newest.pk} in the meantime (“{newest.note}”, dial at "
        f"{policy_rules(newest).autonomy.percent}%). Version {newest.pk} is shown now, so you can repeat your change."
    )
    raise Refused("policy_changed", message, newest=newest.pk)


def lock_policy() -> None:
    """Let only one transaction at a time save a version. The lock is held until the transaction ends."""
    # An advisory lock, because saving inserts a row: there is none yet that two admins could both lock.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('policy:versions', 0))")
