"""Kinds of action in templates. Rows keep a kind's name; what people read comes from the registry."""

from typing import Any

from django import template

from approvals.effects.kinds import KINDS
from approvals.effects.kinds.base import Kind
from approvals.models import Action

register = template.Library()


@register.filter
def kind_label(name: str) -> str:
    """refund -> Refund. Empty for no kind: what is said of everything."""
    return KINDS.label(name) if name else ""


@register.filter
def kind_icon(name: str) -> str:
    """The symbol of icons.svg."""
    return KINDS[name].icon if name in KINDS else "action"


@register.filter
def kind(name: str) -> Kind[Any, Any] | None:
    """The kind itself; None for one that this release does not have."""
    return KINDS.get(name)


@register.filter
def approving(action: Action) -> str:
    """The text of the button that approves."""
    return KINDS.of(action).approving(action)
