"""Changes to budgets by admins, recorded with actor and reason. Runs held by a budget are checked again afterwards."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from agentops.lib.errors import Refused
from agentops.llm import budgets
from agentops.models import Budget, Hold
from approvals.audit import events


def set_budget(
    *,
    per: str,
    model: str,
    by: User,
    note: str,
    max_usd: Decimal | None = None,
    max_tokens: int | None = None,
) -> Budget:
    """Set the cap of a model per ticket, day or month; an empty `model` means all models together. Raises Refused."""
    if per not in Budget.Per.values:
        raise Refused("per_unknown", f"A budget is per {', '.join(Budget.Per.values)}, not per {per!r}.")
    if max_usd is None and max_tokens is None:
        raise Refused(
            "cap_missing", "Enter a limit in dollars, in tokens or both. To have no limit, remove the budget."
        )
    if not note.strip():
        raise Refused("note_missing", "Enter a reason for this change.")
    with transaction.atomic():
        budgets.lock_exclusively()
        before = Budget.objects.filter(per=per, model=model.strip()).first()
        fields = {"max_usd": max_usd, "max_tokens": max_tokens, "note": note.strip()[:500], "changed_by": by}
        budget, _ = Budget.objects.update_or_create(
            per=per, model=model.strip(), defaults={**fields, "changed_at": Now()}
        )
        _record_change(budget, by=by, before=_audited(before), after=_audited(budget))
    return budget


def remove_budget(*, budget: Budget, by: User, note: str) -> None:
    """Remove the budget. Raises Refused without a note."""
    if not note.strip():
        raise Refused("note_missing", "Enter a reason for removing the budget.")
    with transaction.atomic():
        budgets.lock_exclusively()
        _record_change(budget, by=by, before=_audited(budget), after={"note": note.strip()[:500]})
        Budget.objects.filter(pk=budget.pk).delete()


def _record_change(budget: Budget, *, by: User, before: dict[str, Any], after: dict[str, Any]) -> None:
    # Any hold may concern this budget: one for all models limits every model.
    Hold.objects.filter(cause=Hold.Cause.BUDGET).update(recheck=True)
    events.record_event(
        actor=by.get_username(),
        verb="budget.changed",
        object_type="budget",
        object_id=str(budget)[:60],
        before=before,
        after=after,
    )


def _audited(budget: Budget | None) -> dict[str, Any]:
    if budget is None:
        return {}
    usd = None if budget.max_usd is None else f"{budget.max_usd.normalize():f}"
    return {"max_usd": usd, "max_tokens": budget.max_tokens, "note": budget.note}
