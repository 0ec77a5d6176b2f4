"""`/chaos/`: charts of the last run of `manage.py chaos`, or how to start one."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

ENDS = {
    "answered": "Tickets answered",
    "with_person": "Tickets with a person",
    "duplicates_absorbed": "Duplicates prevented",
}
HARM = {
    "refunded_twice": "Refunded twice",
    "over_captured": "Orders refunded more than was paid",
    "unknown_order_effects": "Refunds for orders that don't exist",
    "invented_replies": "Replies with false claims",
    "lost": "Tickets lost",
    "stuck": "Tickets stuck",
}


@dataclass(frozen=True)
class Bar:
    """A bar. `width` is in percent of the longest bar in its group."""

    side: str
    count: int
    width: float


@dataclass(frozen=True)
class Figure:
    label: str
    bars: list[Bar]


@require_GET
@permission_required("approvals.view_dashboard", raise_exception=True)
def chaos(request: HttpRequest) -> HttpResponse:
    run = _last_run()
    context: dict[str, Any] = {"run": run}
    if run:
        sides = run["result"]
        lost = {side: figures["money_lost"] for side, figures in sides.items()}
        context |= {
            "at": datetime.fromisoformat(run["at"]),
            "harm": _figures(sides, HARM),
            "ends": _figures(sides, ENDS),
            "lost": [
                {"currency": currency, "naive": lost["naive"].get(currency, 0), "ours": lost["ours"].get(currency, 0)}
                for currency in sorted(lost["naive"] | lost["ours"])
            ],
        }
    return render(request, "agentops/chaos.html", context)


def _last_run() -> dict[str, Any] | None:
    """Return what the command saved, {at, tickets, seed, result: {naive: {…}, ours: {…}}}, or None."""
    try:
        saved: dict[str, Any] = json.loads((settings.DATA_DIR / "chaos.json").read_text())
    except FileNotFoundError:
        return None
    return saved


def _figures(sides: dict[str, dict[str, Any]], labels: dict[str, str]) -> list[Figure]:
    # At least 1, since a run without any of these would otherwise divide by zero.
    longest = max([1, *(figures[name] for figures in sides.values() for name in labels)])
    return [
        Figure(label, [Bar(side, row[name], round(100 * row[name] / longest, 2)) for side, row in sides.items()])
        for name, label in labels.items()
    ]
