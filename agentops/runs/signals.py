"""A run is queued by a person: sent on commit. It only hurries what the sweep would find."""

from django.dispatch import Signal

run_queued = Signal()  # run_id
