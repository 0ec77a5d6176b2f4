"""The model's reasoning behind an action, for the queue's card. A tag, because approvals can't import runs."""

from django import template

from agentops.models import Step
from approvals.models import Action

register = template.Library()


@register.inclusion_tag("agentops/reasoning.html")
def reasoning_behind(action: Action) -> dict[str, Step | None]:
    """Return the model's turn that first proposed this action."""
    proposing_step = Step.objects.filter(action=action).order_by("pk").first()
    if proposing_step is None:
        return {"turn": None}
    run_id, index = proposing_step.run_id, proposing_step.index
    turns = Step.objects.filter(run_id=run_id, index__lt=index, kind=Step.Kind.LLM)
    return {"turn": turns.only("run_id", "index", "name", "reasoning").order_by("-index").first()}
