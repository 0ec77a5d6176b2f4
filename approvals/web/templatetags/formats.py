"""Template filters and tags for money, times, identifiers and JSON."""

import json
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agentops.lib import money as lib_money

register = template.Library()

# Codes whose text differs from their name.
CODE_LABELS = {
    "auto_approve": "Auto-approved",
    "require_approval": "Needs approval",
    "block": "Blocked",
    "effect_unknown": "Outcome unknown",
    "unresolved": "Outcome unknown",
    "order_id": "Order ID",
    "payment_id": "Payment ID",
    "needs_person": "Needs a person",
    "since": "From",
    "until": "To",
    "llm": "Model",
    "paypal": "PayPal",
}
# (below this many seconds, seconds in one unit, its name)
UNITS = ((60, 1, "s"), (3600, 60, "min"), (48 * 3600, 3600, "h"), (float("inf"), 86400, "d"))


@register.simple_tag
def money(amount: int | None, currency: str | None) -> str:
    """8400 USD -> $84.00. Empty without an amount; an unknown currency code is shown as it is."""
    if amount is None or not currency:
        return ""
    return lib_money.display(amount, currency)


@register.simple_tag
def major(amount: int | None, currency: str | None) -> str:
    """8400 USD -> 84.00, without the symbol, for a form field."""
    return "" if amount is None or not currency else f"{lib_money.major(amount, currency):f}"


@register.simple_tag
def query(filters: Any, **other: str) -> str:
    """Return a list's filters as a query string, with `other` replacing values."""
    return str(filters.query(**other))


@register.simple_tag
def difference(before: int, after: int) -> str:
    """3 and 5 -> +2."""
    return f"{after - before:+d}"


@register.filter
def ago(moment: datetime | None) -> str | SafeString:
    """'12 min ago', with the exact time on hover. app.js keeps it up to date while the page is open."""
    if moment is None:
        return ""
    seconds = (timezone.now() - moment).total_seconds()
    return _time(moment, f"{span(seconds)} ago" if seconds >= 5 else "just now", "data-ago")


@register.filter
def waiting(moment: datetime | None) -> str | SafeString:
    """'12 min': the time since then."""
    if moment is None:
        return ""
    return _time(moment, span((timezone.now() - moment).total_seconds()), "data-since")


@register.filter
def until(moment: datetime | None) -> str | SafeString:
    """'in 3 h', or 'expired'."""
    if moment is None:
        return ""
    seconds = (moment - timezone.now()).total_seconds()
    return _time(moment, f"in {span(seconds)}" if seconds > 0 else "expired", "data-until")


@register.filter
def is_ahead(moment: datetime) -> bool:
    """Return whether the moment is still to come."""
    return moment > timezone.now()


@register.filter
def urgency(moment: datetime | None) -> str:
    """Return the CSS class for a deadline: red below two hours, amber below a day."""
    hours = (moment - timezone.now()).total_seconds() / 3600 if moment else 1000
    return "text-danger" if hours < 2 else "text-warn" if hours < 24 else ""


@register.filter
def clock(moment: datetime | None) -> str | SafeString:
    """'14:02', with the day if it isn't today and the full date on hover. app.js converts it to local time."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    today = local.date() == timezone.localdate()
    return _time(moment, f"{local:%H:%M}" if today else f"{local:%d %b %H:%M}", "data-clock")


@register.filter
def short(text: str, length: int = 12) -> str:
    """Return the start of an identifier or digest."""
    text = str(text)
    return text if len(text) <= length else f"{text[:length]}…"


@register.filter
def pretty_json(value: Any) -> str:
    """Format JSON on several lines; other text stays as it is."""
    try:
        parsed = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    return json.dumps(parsed, indent=2, ensure_ascii=False, default=str)


@register.filter
def words(name: str) -> str:
    """Return a code as people read it: order_id -> Order ID, require_approval -> Needs approval."""
    return CODE_LABELS.get(name) or name.replace("_", " ").replace(".", ": ").capitalize()


def span(seconds: float) -> str:
    """90 -> '1 min': the largest unit that fits, rounded down."""
    seconds = max(seconds, 0)
    _, size, unit = next(row for row in UNITS if seconds < row[0])
    return f"{int(seconds // size)} {unit}"


def _time(moment: datetime, text: str, attribute: str) -> SafeString:
    exact = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}" {}>{}</time>',
        exact.isoformat(),
        f"{exact:%Y-%m-%d %H:%M:%S %Z}",
        attribute,
        text,
    )
