"""Template tags for the frame of every page: navigation links, banners and icons."""

from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from approvals import states
from approvals.effects import stops
from approvals.models import Action, Finding, ProviderPause
from approvals.policy import lowering
from tickets.queries import MANY as MANY_TICKETS
from tickets.queries import count_with_person

register = template.Library()

SECTIONS = {
    "needs": "needs-a-person",
    "ticket": "tickets",
    "run": "tickets",
    "action": "actions",
    "finding": "actions",
    "findings": "actions",
}
# Counting for a banner stops here.
MANY = 100


@register.simple_tag
def in_a_demo() -> bool:
    """Return whether this is a demo, whose pages link to the lab as well."""
    return bool(settings.DEMO)


@register.simple_tag(takes_context=True)
def nav_link(context: dict[str, Any], name: str, label: str, count: str = "") -> SafeString:
    """Render a link of the main navigation, marked if it is the current section, with a count of waiting items."""
    match = getattr(context.get("request"), "resolver_match", None)
    first_word = (match.url_name or "").split("-")[0] if match else ""
    current = SECTIONS.get(first_word, first_word) == name
    return format_html(
        '<a href="{}"{}>{}{}</a>',
        reverse(name),
        SafeString(' aria-current="page"' if current else ""),
        label,
        format_html('<span class="count" id="count-{}">{}</span>', name, count) if count else "",
    )


@register.simple_tag(takes_context=True)
def tab_link(context: dict[str, Any], name: str, label: str, also: str = "") -> SafeString:
    """Render a link of the navigation within a section. `also` lists more URL names that belong to it."""
    match = getattr(context.get("request"), "resolver_match", None)
    current = match is not None and match.url_name in (name, *also.split())
    return format_html(
        '<a href="{}"{}>{}</a>', reverse(name), SafeString(' aria-current="page"' if current else ""), label
    )


@register.inclusion_tag("approvals/paused.html", takes_context=True)
def paused_providers(context: dict[str, Any]) -> dict[str, Any]:
    """Render the banner about paused providers, shown to everyone on every page."""
    shared = {name: context.get(name) for name in ("perms", "csrf_token")}
    return {**shared, "pauses": ProviderPause.objects.order_by("provider")}


@register.inclusion_tag("approvals/stopped.html", takes_context=True)
def stopped_effects(context: dict[str, Any]) -> dict[str, Any]:
    """Render the banner about stops, shown on every page: what, by whom, since when and why."""
    shared = {name: context.get(name) for name in ("perms", "csrf_token")}
    return {**shared, "stops": stops.active_stops()}


@register.inclusion_tag("approvals/waits_for_stop.html")
def waits_for_stop(action: Action) -> dict[str, Any]:
    """Render the note that an action is on hold, or will be after its approval, because of a stop."""
    concerned = action.status in (states.AWAITING_APPROVAL, states.APPROVED)
    return {"stop": stops.stop_for(action.kind) if concerned else None, "decided": action.status == states.APPROVED}


@register.inclusion_tag("approvals/dial_lowered.html", takes_context=True)
def dial_lowered(context: dict[str, Any]) -> dict[str, Any]:
    """Render the banner that the dial lowered itself, until an admin dismisses it or changes the dial."""
    shared = {name: context.get(name) for name in ("perms", "csrf_token")}
    return {**shared, "lowered": lowering.unseen_lowering()}


@register.inclusion_tag("approvals/findings_banner.html", takes_context=True)
def open_findings(context: dict[str, Any]) -> dict[str, Any]:
    """Render the banner about open findings for users who may see actions, except on the findings pages themselves."""
    match = getattr(context.get("request"), "resolver_match", None)
    here = bool(match and (match.url_name or "").startswith("finding"))
    if here or not context["perms"]["approvals"]["view_action"]:
        return {"count": 0}
    # With a limit, because this runs on every page.
    return {"count": Finding.objects.filter(closed_at__isnull=True)[:MANY].count(), "many": MANY}


@register.simple_tag(takes_context=True)
def with_person(context: dict[str, Any]) -> str:
    """Return how many tickets need a person, or '' if there are none or the user may not see tickets."""
    if not context["perms"]["tickets"]["view_ticket"]:
        return ""
    return badge(count_with_person())


def badge(count: int) -> str:
    """Return the count as the navigation shows it: nothing for 0, "999+" if there may be more than were counted."""
    return f"{MANY_TICKETS - 1}+" if count >= MANY_TICKETS else str(count or "")


@register.simple_tag
def icon(name: str) -> SafeString:
    """Render an icon of static/icons.svg. It is hidden from screen readers: the text beside it says the same."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>', static("icons.svg"), name
    )
