"""Signals about tickets, sent inside the transaction that records the change."""

from django.dispatch import Signal

message_received = Signal()  # message: tickets.models.Message, written by the customer
