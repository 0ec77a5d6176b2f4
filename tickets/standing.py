"""Giving a ticket to a person, from below the agent's runs."""

from django.db.models.functions import Now

from tickets.models import Ticket


def needs_person(ticket_id: str, reason: str, *, held: bool = False) -> None:
    """Call it in the transaction of what it tells of. `held`: only a person takes it back (Ticket); what is held
    already keeps its reason."""
    ticket = Ticket.objects.filter(pk=ticket_id)
    ticket = ticket if held else ticket.filter(held=False)
    ticket.update(
        status=Ticket.Status.NEEDS_PERSON, reason=reason[:500], updated_at=Now(), **({"held": True} if held else {})
    )
