"""Each backend of payments is complete: it can be set, sends, looks up and lists."""

from agentops import checks
from approvals.providers import payments
from approvals.providers.payments import listing


def test_every_backend_can_be_set_and_listed() -> None:
    assert set(checks.PAYMENTS_BACKENDS) == set(payments.BACKENDS) == set(listing.LISTS)
