"""A chart of what each dial setting would have auto-approved and, below it, what people changed or rejected of that.

The points are for an SVG with a 100 by 100 view box, from the top left.
"""

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
    """Two charts with the same horizontal axis. `top` and `below_top` are the maxima of their vertical axes."""

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
        CurveLine("edited", "Edited", _line([point.edited for point in points], below_top)),
        CurveLine("rejected", "Rejected", _line([point.rejected for point in points], below_top)),
        CurveLine("failed", "Failed or unknown outcome", _line([point.failed for point in points], below_top)),
    ]
    area = f"0,100 {_line([point.alone for point in points], top)} 100,100"
    return Curve(top, area, below_top, below, [points[percent] for percent in ROWS])


def _line(values: Sequence[int], top: int) -> str:
    return " ".join(f"{x},{round(100 - 100 * value / top, 1)}" for x, value in enumerate(values))
