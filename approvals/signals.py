"""Messages upward, sent on commit. They only hurry what the sweep would find."""

from django.dispatch import Signal

action_approved = Signal()  # action_id: a person approved it; it can be executed
action_settled = Signal()  # action_id: it is final; who waits for it can go on
comparison_asked = Signal()  # comparison_id: a person wants it now; the hourly one reads at least as much
