"""Turn numbers into rectangles, in percent of the chart. Pure; the templates draw them as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from agentops.web.queries.figures import ENDINGS, Flow
from agentops.web.queries.spending import DayCost
from approvals.web.queries.figures import AutonomyDay
from approvals.web.templatetags import figures

ENDING_LABELS = {
    "alone": "Answered without approval",
    "approved": "Answered after approval",
    "person": "Needs a person",
    "open": "Open",
}
COST_LABELS = {"plain": "with the standard model", "expert": "with the larger model"}
_MILLION = 1_000_000


@dataclass(frozen=True)
class Part:
    """A part of a column. `y` is its upper edge, measured from the top as in SVG."""

    kind: str
    label: str
    value: int
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    day: date
    total: int
    parts: list[Part]


@dataclass(frozen=True)
class Chart:
    columns: list[Column]
    top: int
    top_label: str = ""


@dataclass(frozen=True)
class Ending:
    kind: str
    label: str
    count: int
    percent: int
    x: float
    width: float


def stacked(days: Sequence[Flow]) -> Chart:
    """Return tickets per day by ending. The scale ends at the busiest day, rounded up."""
    top = _round_up(max((day.total for day in days), default=0))
    return Chart([_column(day, top) for day in days], top)


def shares(days: Sequence[AutonomyDay]) -> Chart:
    """Return the automated share of each day's actions, in percent."""
    columns = []
    for day in days:
        share = 100 * day.alone / day.actions if day.actions else 0.0
        label = f"{day.alone} of {day.actions} automated" if day.actions else "No actions"
        part = Part("alone", label, round(share), round(100 - share, 2), round(share, 2))
        columns.append(Column(day.day, day.actions, [part] if day.actions else []))
    return Chart(columns, 100)


def costs(days: Sequence[DayCost]) -> Chart:
    """Return the cost per ticket and day in millionths of a dollar, for the standard and the larger model."""
    top = _round_up(max((_millionths(day.per_ticket) for day in days if day.per_ticket), default=0))
    columns = []
    for day in days:
        parts, y = [], 100.0
        for kind, usd in (("plain", day.plain), ("expert", day.expert)):
            value = _millionths(usd / day.tickets) if day.tickets else 0
            if value:
                height = 100 * value / top
                y -= height
                label = f"{figures.usd(usd / day.tickets)} per ticket {COST_LABELS[kind]}"
                parts.append(Part(kind, label, value, round(y, 2), round(height, 2)))
        columns.append(Column(day.day, sum(part.value for part in parts), parts))
    return Chart(columns, top, figures.usd(Decimal(top) / _MILLION))


def endings(days: Sequence[Flow]) -> list[Ending]:
    """Return how all tickets of these days ended, as the parts of one bar."""
    total = sum(day.total for day in days)
    found, x = [], 0.0
    for kind in ENDINGS:
        count = sum(getattr(day, kind) for day in days)
        width = 100 * count / total if total else 0.0
        found.append(Ending(kind, ENDING_LABELS[kind], count, round(width), round(x, 2), round(width, 2)))
        x += width
    return found


def _column(day: Flow, top: int) -> Column:
    parts, y = [], 100.0
    for kind in ENDINGS:
        count: int = getattr(day, kind)
        if count:
            height = 100 * count / top
            y -= height
            parts.append(Part(kind, ENDING_LABELS[kind], count, round(y, 2), round(height, 2)))
    return Column(day.day, day.total, parts)


def _millionths(usd: Decimal) -> int:
    return int((usd * _MILLION).to_integral_value())


def _round_up(value: int) -> int:
    """Return the next round number, where the scale ends."""
    size = 10 ** max(len(str(value)) - 1, 0)
    return next(
        int(step * size) for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * size >= value and step * size >= 1
    )
