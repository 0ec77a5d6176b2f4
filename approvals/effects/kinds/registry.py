"""The registry of kinds. The package's `__init__` adds the rows."""

from typing import Any

from approvals import kinds
from approvals.effects.kinds.base import Kind
from approvals.effects.kinds.unknown import UnknownKind
from approvals.models import Action


class Registry(dict[str, Kind[Any, Any]]):
    """Kinds by name, in the order in which they are offered to the model."""

    def add(self, *rows: Kind[Any, Any]) -> None:
        self.update({kind.name: kind for kind in rows})

    def of(self, action: Action) -> Kind[Any, Any]:
        return self.named(action.kind)

    def named(self, name: str) -> Kind[Any, Any]:
        """Return the kind, or a stand-in that sends nothing for one that this release doesn't have."""
        return self.get(name) or UnknownKind(name, self.label(name))

    def by_tool(self, tool: str) -> Kind[Any, Any] | None:
        """Return the kind that a call of this tool proposes, or None for a read-only tool."""
        return next((kind for kind in self.values() if kind.tool == tool), None)

    @property
    def moving_money(self) -> list[str]:
        return [name for name, kind in self.items() if kind.moves_money]

    @property
    def effects(self) -> list[str]:
        """The names of the kinds whose effects a reply may claim."""
        return [name for name in self if name not in self.replies]

    @property
    def replies(self) -> list[str]:
        """The names of the kinds that answer the customer, once a run."""
        return [name for name, kind in self.items() if kind.once_a_run]

    def label(self, name: str) -> str:
        """Return a kind's label, also for a kind that this release doesn't have."""
        return self[name].label if name in self else kinds.noun(name).capitalize()


KINDS = Registry()
