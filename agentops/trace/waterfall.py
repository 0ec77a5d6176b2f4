"""The position of each span in a chart that stays readable across days of waiting.

Time in which nothing ran (a wait for a person, a retry not yet due) is cut to a narrow, labelled band. Between the
cuts the scale is linear and uniform. x is in percent of the width.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from agentops.lib import durations
from agentops.trace import Span, merged

WIDTH = 100.0
NARROWEST = 0.6  # keeps a bar of one millisecond visible
CUT_WIDTH = 6.0
CUTS_AT_MOST = 36.0  # all of them together
LEAST_CUT = 2.0  # seconds
TICK_DISTANCE = 13.0
NICE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True)
class Cut:
    """A band that stands for `seconds` in which nothing ran. `human`: most of that was waiting for a person."""

    x: float
    width: float
    seconds: float
    human: bool

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 3)


@dataclass(frozen=True)
class Tick:
    """A mark on the scale, after `seconds` of running time."""

    x: float
    seconds: float

    @property
    def label(self) -> str:
        if 1 <= self.seconds < 60:
            return f"{self.seconds:g} s"
        return durations.format_duration(self.seconds) if self.seconds else "0"


@dataclass(frozen=True)
class SpanBar:
    span: Span
    x: float
    width: float
    seconds: float


@dataclass(frozen=True)
class Waterfall:
    bars: list[SpanBar]
    cuts: list[Cut]
    ticks: list[Tick]


@dataclass(frozen=True)
class Piece:
    """A period and where it is drawn. Seconds count from the start of the trace."""

    start: float
    end: float
    x: float
    width: float
    cut: bool


def draw(found: Sequence[Span], now: datetime) -> Waterfall:
    """Return one bar per span, in order. Spans that are still open end at `now`."""
    if not found:
        return Waterfall([], [], [])
    started = min(span.started_at for span in found)
    pieces = _pieces(found, started, now)
    bars = [_bar(span, pieces, started, now) for span in found]
    people = merged([(span.started_at, span.finished_at or now) for span in found if span.kind == "human"])
    waits = [(_since(started, start), _since(started, end)) for start, end in people]
    cuts = [_cut(piece, waits) for piece in pieces if piece.cut]
    return Waterfall(bars, cuts, list(_ticks(pieces)))


def _bar(span: Span, pieces: Sequence[Piece], started: datetime, now: datetime) -> SpanBar:
    left = _x(pieces, _since(started, span.started_at))
    right = _x(pieces, _since(started, span.finished_at or now))
    left = min(left, WIDTH - NARROWEST)  # keeps a bar at the very end inside the chart
    return SpanBar(span, round(left, 3), round(max(right - left, NARROWEST), 3), span.seconds(now))


def _cut(piece: Piece, waits: Sequence[tuple[float, float]]) -> Cut:
    seconds = piece.end - piece.start
    waited = sum(max(min(end, piece.end) - max(start, piece.start), 0.0) for start, end in waits)
    return Cut(round(piece.x, 3), round(piece.width, 3), seconds, human=waited > seconds / 2)


def _pieces(found: Sequence[Span], started: datetime, now: datetime) -> list[Piece]:
    """Divide time at the moments where something starts or stops running."""
    ended = max(max(span.finished_at or now for span in found), started)
    busy = merged([interval for interval in _running(found, now) if interval[0] < interval[1]])
    edges = sorted({started, ended, *(moment for interval in busy for moment in interval)})
    stretches = [(_since(started, a), _since(started, b)) for a, b in pairwise(edges)]
    quiet = [not any(a <= edge < b for a, b in busy) for edge in edges[:-1]]
    ran = sum(b - a for (a, b), idle in zip(stretches, quiet, strict=True) if not idle)
    # A pause is cut only if drawing it to scale would squeeze the bars: at an eighth of the running time.
    least = max(LEAST_CUT, ran / 8)
    cut = [idle and b - a > least for (a, b), idle in zip(stretches, quiet, strict=True)]
    cut_width = min(CUT_WIDTH, CUTS_AT_MOST / max(sum(cut), 1))
    drawn = sum(b - a for (a, b), is_cut in zip(stretches, cut, strict=True) if not is_cut)
    per_second = (WIDTH - cut_width * sum(cut)) / drawn if drawn else 0.0
    pieces: list[Piece] = []
    x = 0.0
    for (a, b), is_cut in zip(stretches, cut, strict=True):
        width = cut_width if is_cut else (b - a) * per_second
        pieces.append(Piece(a, b, x, width, is_cut))
        x += width
    return pieces


def _running(found: Sequence[Span], now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Return when something ran: calls to models and providers, and a tool's time around its children."""
    beneath: dict[str, list[Span]] = {}
    for span in found:
        if span.parent is not None and span.kind in ("policy", "human", "provider"):
            beneath.setdefault(span.parent, []).append(span)
    for span in found:
        end = span.finished_at or now
        children = beneath.get(span.id, [])
        if span.kind in ("llm", "provider") or (span.kind == "tool" and not children):
            yield span.started_at, end
        elif span.kind == "tool":
            yield span.started_at, min(child.started_at for child in children)
            yield max(child.finished_at or now for child in children), end


def _ticks(pieces: Sequence[Piece]) -> Iterator[Tick]:
    """Return marks at round numbers of running seconds; cuts don't count."""
    drawn = [piece for piece in pieces if not piece.cut and piece.width]
    if not drawn:
        return
    ran = sum(piece.end - piece.start for piece in drawn)
    wanted = ran * TICK_DISTANCE / sum(piece.width for piece in drawn)
    step = next((nice for nice in NICE if nice >= wanted), NICE[-1])
    number, before = 0, 0.0
    for piece in drawn:
        length = piece.end - piece.start
        while (seconds := number * step - before) < length:
            x = piece.x + piece.width * seconds / length
            if x <= WIDTH - TICK_DISTANCE / 2:
                yield Tick(round(x, 3), number * step)
            number += 1
        before += length


def _x(pieces: Sequence[Piece], seconds: float) -> float:
    if not pieces:
        return 0.0
    piece = pieces[max(bisect_right([piece.start for piece in pieces], seconds) - 1, 0)]
    share = (seconds - piece.start) / (piece.end - piece.start)
    return piece.x + min(max(share, 0.0), 1.0) * piece.width


def _since(started: datetime, moment: datetime) -> float:
    return (moment - started) / timedelta(seconds=1)
