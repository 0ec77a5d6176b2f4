"""List the provider's refunds, for the comparison with our records."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from agentops.lib.errors import EffectUnknown
from approvals.providers import patience
from approvals.providers.payments import contract, stripe
from approvals.providers.receipt import Receipt
from approvals.providers.unreadable import unreadable


def refunds_since(since: datetime) -> Iterator[Receipt]:
    """Yield every refund that the provider made since then, including other systems' refunds, newest first. `data` has
    `reference` (may be empty) and `created_at`. Transient errors are retried. Raises ProviderError."""
    return LISTS[settings.PAYMENTS_BACKEND](since)


def _contract_refunds(since: datetime) -> Iterator[Receipt]:
    def page(asked: contract.Query) -> contract.Page:
        return patience.read_with_retries(lambda: contract.read_page(asked))

    for row, answer in contract.read_pages(page, {"created_after": since.isoformat()}):
        try:
            found = contract.receipt_from(row, answer)
        except EffectUnknown as error:  # one bad row must not hide the others
            found = unreadable(row, name="refund_id", why=error.message)
        yield found


LISTS = {"http": _contract_refunds, "stripe": stripe.refunds_since}
