"""Pair the steps of a run with those of its replay, by tool and order, and list the differences. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any

VERDICTS = {"auto_approve": "Auto-approved", "require_approval": "Needs approval", "block": "Blocked"}
LABELS = {
    "name": "Tool or model",
    "messages": "Messages sent",
    "answer": "Response",
    "arguments": "Arguments",
    "verdict": "Verdict",
    "reply": "Reply",
    "result": "Result",
    "tokens": "Tokens",
    "cost": "Cost",
}


@dataclass(frozen=True)
class Side:
    """A step of either run. `values` are texts by the names in LABELS. Only a replay has a `source` and a `note`."""

    index: int
    kind: str
    name: str
    status: str
    values: Mapping[str, str]
    source: str = ""
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """A value on both sides; a side without it has an empty text."""

    name: str
    then: str
    now: str

    @property
    def label(self) -> str:
        return LABELS[self.name]

    @property
    def differs(self) -> bool:
        return self.then != self.now

    @property
    def lines(self) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
        """Both sides as (line, whether the other side lacks it)."""
        then, now = self.then.splitlines(), self.now.splitlines()
        left, right = [(line, True) for line in then], [(line, True) for line in now]
        # autojunk ignores popular lines of long texts, such as braces of JSON, and would show equal lines as changed.
        for block in SequenceMatcher(None, then, now, autojunk=False).get_matching_blocks():
            left[block.a : block.a + block.size] = [(line, False) for line in then[block.a : block.a + block.size]]
            right[block.b : block.b + block.size] = [(line, False) for line in now[block.b : block.b + block.size]]
        return left, right


@dataclass(frozen=True)
class AlignedRow:
    """A pair of steps, or a step that the other run doesn't have."""

    then: Side | None
    now: Side | None
    cells: tuple[Cell, ...] = field(default=())

    @property
    def differs(self) -> list[str]:
        """Names of the values that differ, or "step" for a step without a partner."""
        if self.then is None or self.now is None:
            return ["step"]
        return [cell.name for cell in self.cells if cell.differs]

    @property
    def side(self) -> Side:
        """Either side, for the values that both share."""
        side = self.then or self.now
        assert side is not None
        return side

    @property
    def labels(self) -> list[str]:
        """The differences as words for the page."""
        if self.then is None:
            return ["new"]
        return ["missing"] if self.now is None else [LABELS[name].lower() for name in self.differs]

    @property
    def changed(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.differs]

    @property
    def kept(self) -> list[Cell]:
        return [cell for cell in self.cells if not cell.differs]


def align(then: Sequence[Side], now: Sequence[Side]) -> list[AlignedRow]:
    """Return both runs in order. Steps of the same tool are paired as a diff pairs equal lines."""
    rows: list[AlignedRow] = []
    matcher = SequenceMatcher(None, [_key(side) for side in then], [_key(side) for side in now], autojunk=False)
    for _tag, left, left_end, right, right_end in matcher.get_opcodes():
        if _tag == "equal":
            pairs = zip(then[left:left_end], now[right:right_end], strict=True)
            rows += [AlignedRow(one, other, _cells(one, other)) for one, other in pairs]
        else:
            rows += [AlignedRow(one, None, _cells(one, None)) for one in then[left:left_end]]
            rows += [AlignedRow(None, other, _cells(None, other)) for other in now[right:right_end]]
    return rows


def side(step: Any, *, verdict: Mapping[str, Any] | None, source: str = "", note: str = "") -> Side:
    """Return the side of a Step or a ReplayStep. `verdict` is {verdict, reasons} of its effect."""
    values: dict[str, str] = {}
    if step.kind == "tool":
        arguments = _arguments(step.input.get("arguments", ""))
        # The reply's text is a value of its own, because people compare it as prose and not as JSON.
        if step.name == "reply" and isinstance(arguments, dict):
            values["reply"] = str(arguments.pop("text", ""))
        values["arguments"] = arguments if isinstance(arguments, str) else _pretty(arguments)
        values["result"] = _pretty(step.output)
        if verdict:
            values["verdict"] = _verdict(verdict)
    else:
        values["name"] = step.name
        digest = step.input.get("messages", "")
        values["messages"] = f"SHA-256 {digest}" if digest else ""
        values["answer"] = _answer(step.output)
        values["tokens"] = f"{step.input_tokens:,} in, {step.output_tokens:,} out"
        values["cost"] = f"${Decimal(step.cost_usd):.6f}"
    return Side(step.index, step.kind, step.name, step.status, values, source, note)


def _key(side: Side) -> str:
    return side.name if side.kind == "tool" else side.kind


def _cells(then: Side | None, now: Side | None) -> tuple[Cell, ...]:
    left, right = (then.values if then else {}), (now.values if now else {})
    return tuple(
        Cell(name, left.get(name, ""), right.get(name, "")) for name in LABELS if name in left or name in right
    )


def _verdict(effect: Mapping[str, Any]) -> str:
    lines = [VERDICTS.get(effect["verdict"], effect["verdict"])]
    return "\n".join([*lines, *(f"- {reason['message']}" for reason in effect["reasons"])])


def _answer(output: Any) -> str:
    if not isinstance(output, dict):
        return ""
    calls = [f"{call['name']} {call['arguments']}" for call in output.get("tool_calls") or []]
    texts = [str(output.get(name) or "") for name in ("content", "refusal")]
    error = [_pretty(output["error"])] if "error" in output else []
    return "\n".join(filter(None, [*texts, *calls, *error]))


def _arguments(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # the model writes arguments: they may be no JSON, or nested without end
        return text


def _pretty(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
