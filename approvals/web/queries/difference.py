"""Compare two JSON objects field by field. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ABSENT = object()


@dataclass(frozen=True)
class FieldDifference:
    """A field that differs: a dotted path and its values. `had` and `has` say whether the field existed at all."""

    field: str
    was: Any
    now: Any
    had: bool
    has: bool


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[FieldDifference]:
    """Return the fields that were added, removed or changed. A list counts as one value."""
    was, now = dict(_flat(before)), dict(_flat(after))
    return [
        FieldDifference(field, was.get(field), now.get(field), field in was, field in now)
        for field in dict.fromkeys([*was, *now])
        if was.get(field, ABSENT) != now.get(field, ABSENT)
    ]


def _flat(value: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _flat(inner, f"{path}{name}.")
        else:
            yield f"{path}{name}", inner
