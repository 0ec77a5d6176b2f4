"""The autonomy dial: the share of tickets that the agent may handle without approval, and the rules by which the dial
lowers itself. Pure: no Django, no HTTP.

A ticket keeps its position on the dial for life. Raising the dial therefore only adds tickets, and all actions of one
ticket are treated the same.
"""

import hashlib
from collections.abc import Collection
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

POSITIONS = 10_000
KindName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,19}$")]
Percent = Annotated[int, Field(ge=0, le=100)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=60)]


class DialPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KindShare(DialPart):
    """The dial for one kind of action."""

    kind: KindName
    percent: Percent


class TagShare(DialPart):
    """The dial for customers with this tag in the shop. Case does not matter."""

    tag: Tag
    percent: Percent


class Lowering(DialPart):
    """When the dial lowers itself: by `step` points, never below `floor`.

    `rejected_percent` limits rejections as a percentage of all decisions, `failed_percent` failures as a percentage of
    auto-approved actions that have ended (an unknown outcome counts as failed). Both look at the last `window_days`
    days, but not further back than the last change of the dial. None turns a rate off, and a rate of fewer than
    `at_least` cases is ignored.
    """

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
    """The percentage of all tickets, and separate ones per kind and tag. The lowest that applies counts."""

    percent: Percent = 100
    kinds: tuple[KindShare, ...] = ()
    tags: tuple[TagShare, ...] = ()

    def share(self, kind: str, tags: Collection[str] | None) -> tuple[int, str]:
        """Return the percentage that applies, and why ('' for the dial itself). If the customer's tags are unknown
        (None), every tag may apply, so the lowest of all counts (fail closed)."""
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

    def excludes(self, kind: str, tags: Collection[str] | None, position: int | None) -> str:
        """Return why the agent needs approval for an action of this kind on the ticket at `position`, or '' if the dial
        covers it. An unknown position (None) is only covered at 100%."""
        percent, why = self.share(kind, tags)
        if percent == 100 or (position is not None and covers(percent, position)):
            return ""
        return (
            f"Not among the {percent}% of tickets{f' ({why})' if why else ''} that the agent handles without approval"
        )

    def lowered(self, step: int, floor: int) -> "Dial":
        """Return the dial with each share lowered by `step`, but not below `floor`. Returns the dial itself if no share
        that counts would change."""

        def less(percent: int) -> int:
            return min(percent, max(percent - step, floor))

        fallen = Dial(
            percent=less(self.percent),
            kinds=tuple(KindShare(kind=row.kind, percent=less(row.percent)) for row in self.kinds),
            tags=tuple(TagShare(tag=row.tag, percent=less(row.percent)) for row in self.tags),
        )
        return fallen if fallen.falls_from(self) else self

    def falls_from(self, before: "Dial") -> list[str]:
        """Describe the shares that are lower than in `before`, a dial with the same parts: "from 70% to 40%", "for
        refund from 50% to 20%". A share above the dial counts as the dial."""
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
        return [f"{of}from {then}% to {now}%" for of, then, now in counted if now < then]


def position(ticket_id: str) -> int:
    """Return the ticket's position on the dial, 0 to 9999. It never changes."""
    # A hash spreads tickets evenly and needs no row. A ticket that the dial covers stays covered as it rises.
    digest = hashlib.sha256(f"autonomy:{ticket_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % POSITIONS


def lowest_covering_percent(at: int) -> int:
    """Return the lowest percentage that covers the position."""
    return at * 100 // POSITIONS + 1


def covers(percent: int, at: int) -> bool:
    """Return whether the position is within the first `percent` of all."""
    return at * 100 < percent * POSITIONS
