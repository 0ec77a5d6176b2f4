"""The demo's policy: small refunds are automatic, larger ones wait for a lead, the largest are blocked."""

from django.contrib.auth.models import User

from approvals.effects.kinds import KINDS
from approvals.models import PolicyVersion
from approvals.policy import versions
from approvals.policy.rules import CurrencyLimit, Rules, Threshold

# Minor units: auto-approve up to, block above, per customer in 30 days, by the agent in a day.
LIMITS = {
    "USD": (50_00, 1_500_00, 400_00, 2_000_00),
    "EUR": (50_00, 1_500_00, 400_00, 2_000_00),
    "GBP": (40_00, 1_200_00, 350_00, 1_600_00),
    "JPY": (7_500, 250_000, 60_000, 300_000),
    "KWD": (15_000, 500_000, 120_000, 600_000),
}


def make_policy(by: str) -> None:
    """Put the demo's policy in force on behalf of user `by`, unless somebody has saved a policy before."""
    if not PolicyVersion.objects.filter(created_by__isnull=False).exists():
        user, note = User.objects.get(username=by), "The demo's first thresholds."
        versions.save_policy(rules=demo_rules(), by=user, note=note, kinds=KINDS)


def demo_rules() -> Rules:
    kinds = ("refund", "cancel_order")
    return Rules(
        thresholds=[
            Threshold(kind=kind, currency=currency, auto_up_to=alone, block_above=ceiling)
            for kind in kinds
            for currency, (alone, ceiling, _, _) in LIMITS.items()
        ],
        customer_30_days=[CurrencyLimit(currency=currency, up_to=limits[2]) for currency, limits in LIMITS.items()],
        agent_today=[CurrencyLimit(currency=currency, up_to=limits[3]) for currency, limits in LIMITS.items()],
    )
