"""Template filters and tags for durations, counts, percentages, model costs and audit values."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template

from agentops.lib import durations

register = template.Library()
_LONG = 300


@register.filter
def duration(value: timedelta | float | None) -> str:
    """Format a timedelta or seconds: '1.24 s', '3 d 2 h'. None becomes ''."""
    if value is None:
        return ""
    return durations.format_duration(value.total_seconds() if isinstance(value, timedelta) else float(value))


@register.simple_tag
def took(start: datetime | None, end: datetime | None) -> str:
    """Format the time between two moments, '' while either is missing."""
    return "" if start is None or end is None else durations.format_duration((end - start).total_seconds())


@register.filter
def thousands(value: int | None) -> str:
    """12345 -> 12,345."""
    return "" if value is None else f"{value:,}"


@register.filter
def usd(value: Decimal | None) -> str:
    """Format US dollars with as many digits as a small cost needs: $0.0024, $0.25, $1.20."""
    if value is None:
        return "unknown"
    if value and value < Decimal("0.0001"):
        return "<$0.0001"
    return f"${value:,.2f}" if value >= 1 or round(value, 4) == round(value, 2) else f"${value:,.4f}"


@register.filter
def price(value: Decimal) -> str:
    """Format US dollars per million tokens as entered: $0.25, $0.025."""
    exact = value.normalize()
    return f"${value:,.2f}" if exact == round(exact, 2) else f"${exact:,f}"


@register.filter
def percent(part: int, whole: int) -> int:
    """Return `part` of `whole` in whole percent; 0 if `whole` is 0."""
    return round(100 * part / whole) if whole else 0


@register.filter
def json_line(value: Any) -> str:
    """Show a changed value on one line: text as it is, everything else as JSON, shortened if long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"
