"""Sent on commit when a person queues a run. It only speeds up what the sweep would find."""

from django.dispatch import Signal

run_queued = Signal()  # run_id
