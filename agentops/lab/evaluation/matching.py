"""Compares actions with expectations: only the given parameters are compared. Pure."""

from collections.abc import Mapping
from typing import Any

from agentops.lab.evaluation.entries import Expected


def fits(wanted: Expected, kind: str, params: Mapping[str, Any]) -> bool:
    """Compare order numbers with or without '#', addresses by their given parts, and text as a substring."""
    if wanted.kind != kind:
        return False
    return all(_same(name, value, params.get(name)) for name, value in wanted.params.items())


def _same(name: str, wanted: Any, given: Any) -> bool:
    match name:
        case "order_id":
            return str(wanted).lstrip("#").upper() == str(given or "").lstrip("#").upper()
        case "text" | "email":
            return str(wanted).casefold() in str(given or "").casefold()
        case "address":
            parts = given if isinstance(given, Mapping) else {}
            return all(parts.get(part) == value for part, value in wanted.items())
        case _:
            return bool(wanted == given)
