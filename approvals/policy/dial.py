"""The autonomy dial: the part of all tickets whose actions the agent may do without a person, and the rules by which
it lowers itself.

Pure. A ticket keeps its position for life, so that raising the dial only adds tickets, and all actions of a ticket
fall on the same side.
"""

import hashlib
from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

POSITIONS = 10_000
ActionKind = Literal["refund", "cancel_order", "account_change", "reply"]
Percent = Annotated[int, Field(ge=0, le=100)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=60)]


class DialPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KindShare(DialPart):
    """The dial for one kind of action."""

    kind: ActionKind
    percent: Percent


class TagShare(DialPart):
    """The dial for customers whom the shop has given this tag; letters count the same, large or small."""

    tag: Tag
    percent: Percent


class Lowering(DialPart):
    """When the dial lowers itself by `step` points, never below `floor`. Of the last `window_days` days, and only of
    what happened since the dial was last set: people's rejections in per cent of their decisions, failures in per cent
    of what the agent did alone and has ended (unknown is failed). A rate that is None is not watched; one of less than
    `at_least` cases says nothing yet."""

    rejected_percent: Annotated[int, Field(ge=1, le=100)] | None = None
    failed_percent: Annotated[int, Field(ge=1, le=100)] | None = None
    at_least: Annotated[int, Field(ge=1, le=1_000)] = 20
    window_days: Annotated[int, Field(ge=1, le=90)] = 7
    step: Annotated[int, Field(ge=1, le=100)] = 20
    floor: Percent = 0

    @property
    def watches(self) -> bool:
        return self.rejected_percent is not None or self.failed_percent is not None


class Dial(DialPart):
    """Per cent of all tickets, and what is set for a kind or a tag. The lowest that applies counts."""

    percent: Percent = 100
    kinds: tuple[KindShare, ...] = ()
    tags: tuple[TagShare, ...] = ()

    def share(self, kind: str, tags: Collection[str] | None) -> tuple[int, str]:
        """The per cent that counts, and what it is set for ('' where it is the dial itself). Tags that are not known
        (None) may be any: the lowest of all tags counts."""
        known = None if tags is None else {tag.strip().lower() for tag in tags}
        found = [(self.percent, "")]
        found += [(row.percent, f"for {kind.replace('_', ' ')}") for row in self.kinds if row.kind == kind]
        found += [
            (
                row.percent,
                f"for customers tagged {row.tag}" if known is not None else "because the customer's tags are unknown",
            )
            for row in self.tags
            if known is None or row.tag in known
        ]
        return min(found, key=lambda row: row[0])

    def lowered(self, step: int, floor: int) -> "Dial":
        """Every part of it lower by `step`; what stands at the floor or below it stays. Itself, where no share that
        counts would fall."""

        def less(percent: int) -> int:
            return min(percent, max(percent - step, floor))

        fallen = Dial(
            percent=less(self.percent),
            kinds=tuple(KindShare(kind=row.kind, percent=less(row.percent)) for row in self.kinds),
            tags=tuple(TagShare(tag=row.tag, percent=less(row.percent)) for row in self.tags),
        )
        return fallen if fallen.falls_from(self) else self

    def falls_from(self, before: "Dial") -> list[str]:
        """What counts for fewer tickets than before, of a dial with the same parts: "from 70 % to 40 %", "for refund
        from 50 % to 20 %". Where a part is set above the dial, the dial counts."""
        pairs = [("", before.percent, self.percent)]
        pairs += [
            (f"for {now.kind.replace('_', ' ')} ", then.percent, now.percent)
            for then, now in zip(before.kinds, self.kinds, strict=True)
        ]
        pairs += [
            (f"for customers tagged {now.tag} ", then.percent, now.percent)
            for then, now in zip(before.tags, self.tags, strict=True)
        ]
        counted = [(of, min(then, before.percent), min(now, self.percent)) for of, then, now in pairs]
        return [f"{of}from {then} % to {now} %" for of, then, now in counted if now < then]


def position(ticket_id: str) -> int:
    """0..9999, the same for ever."""
    digest = hashlib.sha256(f"autonomy:{ticket_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % POSITIONS


def lowest_covering_percent(at: int) -> int:
    """The lowest per cent that has the ticket at this position inside."""
    return at * 100 // POSITIONS + 1


def covers(percent: int, at: int) -> bool:
    """Whether the ticket at this position is among so many per cent of all."""
    return at * 100 < percent * POSITIONS
