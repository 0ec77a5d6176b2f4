"""Load a run with everything that its trace shows."""

from django.db.models import Prefetch, Q

from agentops.models import Run, Step
from approvals.models import Action, ApprovalRequest


def find_run(run_id: int) -> Run | None:
    """Return the run with its steps, actions, attempts and requests, in five queries at most, or None."""
    steps = Prefetch("steps", queryset=Step.objects.order_by("index"))
    run = Run.objects.select_related("ticket__customer").prefetch_related(steps).filter(pk=run_id).first()
    if run is None:
        return None
    requests = ApprovalRequest.objects.select_related("decision__by", "claimed_by").defer("snapshot")
    actions = Action.objects.select_related("policy_version").prefetch_related(
        "attempts", Prefetch("requests", queryset=requests.order_by("pk"))
    )
    # Filter by ticket, which has an index. A step may refer to an action of an earlier run.
    asked_for = {step.action_id for step in run.steps.all() if step.action_id}
    mine = actions.filter(Q(run_id=run.pk) | Q(pk__in=asked_for), ticket=run.ticket_id).order_by("pk")
    found = {action.pk: action for action in mine}
    for step in run.steps.all():
        step.action = found[step.action_id] if step.action_id else None
    run.asked_by_no_step = [action for pk, action in found.items() if pk not in asked_for]
    return run
