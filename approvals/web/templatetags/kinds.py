"""Template filters for kinds of action. Rows hold a kind's name; labels and icons come from the registry."""

from typing import Any

from django import template

from approvals.effects.kinds import KINDS
from approvals.effects.kinds.base import Kind
from approvals.kinds import noun
from approvals.models import Action
from approvals.web.forms.labels import subject_and_verb

register = template.Library()


@register.filter
def kind_label(name: str) -> str:
    """refund -> Refund. Empty without a kind, which stands for all kinds."""
    return KINDS.label(name) if name else ""


@register.filter
def kind_noun(name: str) -> str:
    """cancel_order -> cancellation, the name inside a sentence."""
    return noun(name)


@register.filter
def kind_are(name: str) -> str:
    """refund -> Refunds are; empty, which stands for all kinds -> Everything is."""
    return subject_and_verb(name)


@register.filter
def kind_icon(name: str) -> str:
    """Return the kind's symbol in icons.svg."""
    return KINDS[name].icon if name in KINDS else "action"


@register.filter
def kind(name: str) -> Kind[Any, Any] | None:
    """Return the kind, or None if this release doesn't have it: a newer one may have written the row."""
    return KINDS.get(name)


@register.filter
def approving(action: Action) -> str:
    """Return the text of the approve button."""
    return KINDS.of(action).approving(action)
