"""The figures as a table for people, with a column for each side."""

from collections.abc import Mapping
from typing import Any

from agentops.lib import money

ROWS = {
    "tickets": "tickets",
    "answered": "answered",
    "with_person": "with a person",
    "refunded_twice": "refunded twice",
    "over_captured": "orders refunded more than was paid",
    "unknown_order_effects": "refunds for orders that don't exist",
    "invented_replies": "replies with false claims",
    "lost": "tickets lost",
    "stuck": "tickets stuck",
    "money_lost": "money lost",
    "duplicates_absorbed": "duplicates prevented",
}


def side_by_side(sides: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table with a row for each figure and a column for each side."""
    cells = {name: [value(name, figures[name]) for figures in sides.values()] for name in ROWS}
    label = max(map(len, ROWS.values()))
    widths = [
        max(len(title), *(len(line) for row in cells.values() for line in row[place].split(", ")))
        for place, title in enumerate(sides)
    ]
    lines = [_line("", sides, label, widths), "─" * (label + sum(widths) + 2 * len(widths))]
    for name, text in ROWS.items():
        parts = [cell.split(", ") for cell in cells[name]]
        for number in range(max(map(len, parts))):
            shown = [part[number] if number < len(part) else "" for part in parts]
            lines.append(_line(text if number == 0 else "", shown, label, widths))
    return "\n".join(lines)


def value(name: str, figure: Any) -> str:
    if name != "money_lost":
        return f"{figure:,}"
    return ", ".join(money.display(amount, currency) for currency, amount in figure.items()) or "none"


def _line(text: str, cells: Any, label: int, widths: list[int]) -> str:
    return f"{text:<{label}}" + "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
