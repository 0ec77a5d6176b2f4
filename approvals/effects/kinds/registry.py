"""The registry of kinds. The package's `__init__` adds the rows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from approvals import kinds
from approvals.effects.kinds.base import Kind
from approvals.effects.kinds.unknown import UnknownKind
from approvals.models import Action


class Registry(Mapping[str, Kind[Any, Any]]):
    """Kinds by name, in the order in which they are offered to the model."""

    def __init__(self) -> None:
        self._rows: dict[str, Kind[Any, Any]] = {}

    def __getitem__(self, name: str) -> Kind[Any, Any]:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, *rows: Kind[Any, Any]) -> None:
        self._rows |= {kind.name: kind for kind in rows}

    @contextmanager
    def having(self, kind: Kind[Any, Any]) -> Iterator[None]:
        """Add a kind for the duration of the block."""
        before, self._rows = self._rows, {**self._rows, kind.name: kind}
        try:
            yield
        finally:
            self._rows = before

    def of(self, action: Action) -> Kind[Any, Any]:
        """Return the action's kind, or a stand-in that sends nothing for one that this release doesn't have."""
        return self._rows.get(action.kind) or UnknownKind(action.kind, self.label(action.kind))

    def by_tool(self, tool: str) -> Kind[Any, Any] | None:
        """Return the kind that a call of this tool proposes, or None for a read-only tool."""
        return next((kind for kind in self._rows.values() if kind.tool == tool), None)

    @property
    def moving_money(self) -> list[str]:
        return [kind.name for kind in self._rows.values() if kind.moves_money]

    @property
    def effects(self) -> list[str]:
        """The names of the kinds whose effects a reply may claim."""
        return [kind.name for kind in self._rows.values() if not kind.once_a_run]

    def label(self, name: str) -> str:
        """Return a kind's label, also for a kind that this release doesn't have."""
        return self._rows[name].label if name in self._rows else kinds.noun(name).capitalize()


KINDS = Registry()
