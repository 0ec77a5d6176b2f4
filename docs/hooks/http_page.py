"""The HTTP reference: the contracts in docs/contracts, and every address of the URL table with who may use it."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import contract
import yaml
from django.urls import URLPattern, URLResolver, get_resolver

from agentops.roles import ROLES

HEAD = """# HTTP

Two APIs are ours: [ticket intake](#ticket-intake), which help desks call, and the [pages and probes](#pages-and-probes)
below. Three are yours: AgentOps calls the [orders](#orders-and-customers), [refunds](#refunds) and [replies](#replies)
APIs. The OpenAPI files are the contracts; this page is generated from them and from the URL table.

"""
CONTRACTS = ("intake", "orders", "refunds", "replies")
PAGES = """
## Pages and probes

For people in a browser and for probes. A page asks for one permission, which the groups named here have. Addresses
open to everyone are the sign-in, the signed APIs (they check a signature) and the probes.

| address | methods | who |
|---|---|---|
"""


@dataclass(frozen=True)
class Address:
    path: str
    methods: tuple[str, ...]
    who: str


def render(root: Path) -> str:
    parts = [HEAD]
    for name in CONTRACTS:
        file = root / "docs" / "contracts" / f"{name}.yaml"
        parts.append(contract.render(yaml.safe_load(file.read_text(encoding="utf-8")), name))
    rows = [f"| `{each.path}` | {', '.join(each.methods)} | {each.who} |\n" for each in addresses()]
    return "".join([*parts, PAGES, *rows])


def addresses() -> list[Address]:
    """Return the URL table without Django's admin. Raises LookupError if no permission can be read from the views."""
    found = [
        Address(f"/{pattern.pattern}", methods(pattern.callback), who(pattern.callback))
        for pattern in patterns(get_resolver().url_patterns)
    ]
    if not any("lead" in each.who for each in found):
        raise LookupError("no view asks for a permission: Django's decorators may have changed")
    return sorted(found, key=lambda each: each.path)


def patterns(rows: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for row in rows:
        if isinstance(row, URLPattern):
            yield row
        elif not row.app_name:  # the admin site has pages of its own
            yield from patterns(row.url_patterns)


def methods(view: Callable[..., Any]) -> tuple[str, ...]:
    allowed = named(view, "request_method_list")
    return tuple(name for name in allowed if name != "HEAD") if allowed else ("GET", "POST")


def who(view: Callable[..., Any]) -> str:
    """Return the groups whose permissions open the view, as Django's decorators hold them."""
    if not getattr(view, "login_required", True):
        return "everyone"
    test = named(view, "test_func")
    wanted = named(test, "perms") if test else None
    if wanted is None:
        return "anyone signed in"
    return ", ".join(role for role, held in ROLES.items() if all(code in held for code in wanted)) or "nobody"


def named(view: Callable[..., Any] | None, name: str) -> Any:
    """Return what a decorator around this view holds under `name`, or None."""
    while view is not None:
        held = inspect.getclosurevars(view).nonlocals if inspect.isfunction(view) else {}
        if name in held:
            return held[name]
        view = getattr(view, "__wrapped__", None)
    return None
