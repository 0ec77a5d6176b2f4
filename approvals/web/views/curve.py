"""A small curve: what would have run alone at every setting of the dial, and below it what people changed of that.

Points of an SVG whose box is 100 by 100, from the top left."""

from collections.abc import Sequence
from dataclasses import dataclass

from approvals.web.queries.evidence import Evidence, Point

ROWS = range(0, 101, 10)


@dataclass(frozen=True)
class CurveLine:
    kind: str
    label: str
    points: str


@dataclass(frozen=True)
class Curve:
    """Two charts over the same axis, each with a scale of its own that ends at `…_top`."""

    top: int
    area: str
    below_top: int
    below: list[CurveLine]
    rows: list[Point]


def curve(evidence: Evidence) -> Curve:
    points = evidence.points
    last = points[-1]
    top, below_top = max(last.alone, 1), max(last.edited, last.rejected, last.failed, 1)
    below = [
        CurveLine("edited", "edited by people", _line([point.edited for point in points], below_top)),
        CurveLine("rejected", "rejected by people", _line([point.rejected for point in points], below_top)),
        CurveLine("failed", "failed", _line([point.failed for point in points], below_top)),
    ]
    area = f"0,100 {_line([point.alone for point in points], top)} 100,100"
    return Curve(top, area, below_top, below, [points[percent] for percent in ROWS])


def _line(values: Sequence[int], top: int) -> str:
    return " ".join(f"{x},{round(100 - 100 * value / top, 1)}" for x, value in enumerate(values))
