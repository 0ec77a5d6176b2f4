"""A customer has written: sent inside the transaction that records the message."""

from django.dispatch import Signal

message_received = Signal()  # message: tickets.models.Message
