"""The agent takes back its own proposal, in the commit that finishes the step (docs/design.md, 5.9)."""

from django.db import transaction

from agentops.lib import redact
from agentops.lib.errors import Refused
from agentops.models import Run, Step
from agentops.runs import steps, tools
from agentops.runs.commit import commit_step


def withdraw_action(run: Run, step: Step) -> None:
    """Withdraw the action that the call names. A mistake of the model becomes the step's result."""
    try:
        with transaction.atomic():
            commit_step(run, None, step)  # lock order: run, ticket (approvals.locks)
            output = tools.run_withdraw(steps.arguments(step), ticket_id=run.ticket_id, run_number=run.number)
            steps.finish(step, redact.data(output))
            commit_step(run, step, None)
    except Refused as refused:
        steps.refuse(step, refused)
