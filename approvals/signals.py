"""Signals to the packages above, sent on commit. They only speed up what the sweep would find anyway."""

from django.dispatch import Signal

action_approved = Signal()  # action_id: approved by a person and ready to execute
action_settled = Signal()  # action_id: reached a final status, so a run that waits for it can continue
comparison_asked = Signal()  # comparison_id: requested by a person; the hourly comparison covers at least as much
