"""Signals about tickets, sent inside the transaction that records the change."""

from django.dispatch import Signal

# message: tickets.models.Message, inbound; first: whether it opened its ticket
message_received = Signal()
