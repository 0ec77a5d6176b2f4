"""Rows that triggers on the actions keep, so that no query has to look for them among all actions."""

import pgtrigger
from django.db import models

from approvals import states

_COUNTED = (*states.OPEN, states.SUCCEEDED)


def _among(statuses: tuple[str, ...]) -> str:
    return "ARRAY[" + ", ".join(f"'{status}'" for status in statuses) + "]"


class Wakeup(models.Model):
    """An action that has settled. The runs that wait for it have not been marked as due yet (runs.leasing)."""

    action = models.OneToOneField("approvals.Action", on_delete=models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return f"wake-up by {self.action_id}"


class AgentDay(models.Model):
    """What the policy approved alone in one day (UTC) and currency, in minor units: actions that are open or succeeded.
    The limits per day read it while they hold a lock."""

    day = models.DateField()
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "currency"], name="agent_day_once")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} on {self.day}"


WAKES_ITS_RUNS = pgtrigger.Trigger(
    name="wakes_its_runs",
    when=pgtrigger.After,
    operation=pgtrigger.UpdateOf("status"),  # type: ignore[no-untyped-call]  # pgtrigger has no types
    condition=pgtrigger.Condition(
        f"OLD.status <> ALL ({_among(states.SETTLED)}) AND NEW.status = ANY ({_among(states.SETTLED)})"
    ),
    func="INSERT INTO approvals_wakeup (action_id) VALUES (NEW.id) ON CONFLICT DO NOTHING; RETURN NULL;",
)


def _counts(row: str) -> str:
    return (
        f"{row}.verdict = 'auto_approve' AND {row}.amount IS NOT NULL AND {row}.approved_at IS NOT NULL"
        f" AND {row}.status = ANY ({_among(_COUNTED)})"
    )


_ADD = """
    INSERT INTO approvals_agentday AS kept (day, currency, amount) VALUES ({})
    ON CONFLICT (day, currency) DO UPDATE SET amount = kept.amount + excluded.amount;
"""
_MOVES_OR_AMOUNTS = pgtrigger.UpdateOf(  # type: ignore[no-untyped-call]  # pgtrigger has no types
    "status", "approved_at", "verdict", "amount", "currency"
)
COUNTS_THE_DAY = pgtrigger.Trigger(
    name="counts_the_day",
    when=pgtrigger.After,
    operation=pgtrigger.Insert | _MOVES_OR_AMOUNTS,
    declare=[("was", "date"), ("is_now", "date")],
    func=f"""
        IF TG_OP = 'UPDATE' AND {_counts("OLD")} THEN was := (OLD.approved_at AT TIME ZONE 'UTC')::date; END IF;
        IF {_counts("NEW")} THEN is_now := (NEW.approved_at AT TIME ZONE 'UTC')::date; END IF;
        IF TG_OP = 'UPDATE' AND (was, OLD.currency, OLD.amount) IS NOT DISTINCT FROM (is_now, NEW.currency, NEW.amount)
        THEN RETURN NULL; END IF;
        IF was IS NOT NULL THEN {_ADD.format("was, OLD.currency, -OLD.amount")} END IF;
        IF is_now IS NOT NULL THEN {_ADD.format("is_now, NEW.currency, NEW.amount")} END IF;
        RETURN NULL;
    """,
)
