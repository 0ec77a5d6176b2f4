"""Format tickets for a terminal: one line each, and a table at the end."""

from collections.abc import Mapping, Sequence
from typing import Any

from agentops.lib import money
from agentops.management.intake import Followed

STATES = {
    "open": "open",
    "working": "working",
    "awaiting_approval": "awaiting approval",
    "answered": "answered",
    "needs_person": "needs a person",
    "closed": "closed",
}
WIDEST = max(map(len, STATES.values()))


def line(ticket: Followed) -> str:
    """Format a ticket: `demo-3  waits for a lead  refund $249.00 of #W123: awaiting approval`."""
    latest = ticket.latest
    effects = "; ".join(effect(action) for action in latest["actions"] if not is_sent_reply(action))
    detail = effects or latest.get("reason") or ""
    return f"{ticket.posted.external_id:<10} {state_of(ticket):<{WIDEST}}  {detail}".rstrip()


def table(tickets: Sequence[Followed]) -> str:
    """Return a line for each ticket, and counts by status."""
    rows = "\n".join(line(ticket) for ticket in tickets)
    counts: dict[str, int] = {}
    for ticket in tickets:
        counts[state_of(ticket)] = counts.get(state_of(ticket), 0) + 1
    return f"{rows}\n\n{', '.join(f'{count} {name}' for name, count in counts.items())}"


def state_of(ticket: Followed) -> str:
    return STATES.get(ticket.latest.get("status", ""), "unknown")


def is_sent_reply(action: Mapping[str, Any]) -> bool:
    """Return whether it is a sent reply, which an answered ticket already implies."""
    return bool(action["kind"] == "reply" and action["status"] == "succeeded")


def effect(action: Mapping[str, Any]) -> str:
    """Format an action: `refund $249.00 of #W123: succeeded`."""
    amount = money.display(action["amount"], action["currency"]) if action["amount"] and action["currency"] else ""
    what = " ".join(filter(None, [action["kind"].replace("_", " "), amount]))
    tries = f" after {action['attempts']} attempts" if action["attempts"] > 1 else ""
    return f"{what} of {action['target']}: {action['status'].replace('_', ' ')}{tries}"
