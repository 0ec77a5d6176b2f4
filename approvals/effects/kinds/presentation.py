"""How people see a kind of action: its names, its card in the queue, and what its screens say about it."""

from typing import Literal

from approvals.models import Action


class Presentation:
    """The texts of a kind. `label` is what people read; `heading` heads the card that shows the parameters, and is the
    label unless set. `panel` is what is shown beside the parameters."""

    label: str
    icon = "action"
    heading = ""
    to_be = "to be sent"
    panel: Literal["order", "account", "claims"] = "order"
    while_unknown = "We keep checking with the provider until it shows the outcome, or until people confirm it."

    def approving(self, action: Action) -> str:
        """Return the text of the button that approves the action."""
        return f"Approve {action.money}" if action.money else "Approve"
