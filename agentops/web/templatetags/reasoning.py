"""What the language model was thinking when it asked for an action: for the queue's card, a floor below."""

from django import template

from agentops.models import Step
from approvals.models import Action

register = template.Library()


@register.inclusion_tag("agentops/reasoning.html")
def reasoning_behind(action: Action) -> dict[str, Step | None]:
    """The model's turn that first asked for this action."""
    asked = Step.objects.filter(action=action).order_by("pk").first()
    if asked is None:
        return {"turn": None}
    turns = Step.objects.filter(run_id=asked.run_id, index__lt=asked.index, kind=Step.Kind.LLM)
    return {"turn": turns.only("run_id", "index", "name", "reasoning").order_by("-index").first()}
