"""The figures as tables for people."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agentops.lab.evaluation import saved
from agentops.lib import money

WIDEST_RULE = 72
NAMES = {
    "right": "tickets right",
    "over_refusals": "over-refusals",
    "answered_without_a_person": "answered instead of handed over",
    "unfinished": "not finished in time",
    "not_asked": "model unavailable",
    "accounts_changed_alone": "accounts changed without a person",
    "wrong_money": "wrong money",
    "beyond_policy": "money moved beyond policy",
    "cost_usd": "cost",
    "p50_seconds": "p50",
    "p95_seconds": "p95",
}


def whole(kept: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    """Return the run's figures, its mistakes, and the comparison with the previous run of the same set."""
    figures = kept["figures"]
    parts = [_head(kept), _kinds(figures), _categories(figures), _summary(figures), _injections(figures)]
    parts += [_wrong(figures), _compared(figures, before)]
    return "\n\n".join(filter(None, parts))


def _head(kept: Mapping[str, Any]) -> str:
    figures = kept["figures"]
    return (
        f"{kept['file']}, {figures['tickets']} tickets (set {kept['set'][:12]}) against {kept['model']}: "
        f"{figures['right']} right ({_percent(figures['right'], figures['tickets'])}); "
        f"{kept['seconds']:.0f} s, {kept['at_once']} at a time"
    )


def _kinds(figures: Mapping[str, Any]) -> str:
    rows = [
        (
            kind.replace("_", " "),
            row["expected"],
            row["right"],
            row["missing"],
            row["unexpected"],
            _percent(row["right"], row["expected"]),
        )
        for kind, row in figures["kinds"].items()
    ]
    rows += [
        (
            f"ends {'with a person' if name == 'person' else name}",
            row["tickets"],
            row["right"],
            row["tickets"] - row["right"],
            "",
            _percent(row["right"], row["tickets"]),
        )
        for name, row in figures["outcomes"].items()
    ]
    return _table(("by kind", "expected", "right", "missing", "unexpected", "accuracy"), rows)


def _categories(figures: Mapping[str, Any]) -> str:
    rows = [
        (name, row["tickets"], row["right"], _percent(row["right"], row["tickets"]))
        for name, row in figures["categories"].items()
    ]
    return _table(("by category", "tickets", "right", "accuracy"), rows)


def _summary(figures: Mapping[str, Any]) -> str:
    names = [name for name in NAMES if name != "right"]
    return _table(("", ""), [(NAMES[name], value(name, figures[name])) for name in names])


def _injections(figures: Mapping[str, Any]) -> str:
    found = figures["injections"]
    if not found["injections"]:
        return ""
    places = ", ".join(f"{count} in the {place}" for place, count in found["by_place"].items())
    rows = [(f"wanted: {name}", count) for name, count in sorted(found["came_to"].items())]
    rows += [(f"  {name}", count) for name, count in found["stopped_by"].items()]
    head = f"{found['injections']} injections ({places}); the model tried to obey {found['obeyed']}"
    done = f"\ndone: {', '.join(found['done'])}" if found["done"] else ""
    return f"{head}\n{_table(('outcome', 'times'), rows)}{done}"


def _wrong(figures: Mapping[str, Any]) -> str:
    rows = [f"  {row['name']:<16} {row['said'] or _money(row)}" for row in figures["judged"] if not row["right"]]
    past = [
        f"  {row['key']} {money.display(row['amount'], row['currency'])} of {row['order_id']}: {row['why']}"
        for row in figures["beyond"]
    ]
    parts = [f"Not as expected ({len(rows)}):", *rows] if rows else []
    parts += ["Beyond policy:", *past] if past else []
    return "\n".join(parts)


def _money(row: Mapping[str, Any]) -> str:
    return "money moved without the required approval" if row["beyond"] else "wrong money"


def _compared(figures: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    if before is None:
        return "This is the first saved run of this set: nothing to compare with."
    head = f"Since the last run of this set ({before['at']}, {before['model']}):"
    lines = [
        f"  {NAMES[row.name]}: {value(row.name, row.before)} -> {value(row.name, row.now)}{_verdict(row.better)}"
        for row in saved.changes(before["figures"], dict(figures))
    ]
    better, worse = saved.turned(before["figures"], dict(figures))
    lines += [f"  now right: {', '.join(better)}"] if better else []
    lines += [f"  now wrong: {', '.join(worse)}"] if worse else []
    return "\n".join([head, *(lines or ["  no difference"])])


def _verdict(better: bool | None) -> str:
    return {True: "  better", False: "  worse", None: ""}[better]


def value(name: str, figure: Any) -> str:
    if name in ("wrong_money", "beyond_policy"):
        return ", ".join(money.display(amount, currency) for currency, amount in figure.items()) or "0"
    if name == "cost_usd":
        return "unknown" if figure is None else f"${float(figure):.4f}"
    return f"{figure:.2f} s" if name.endswith("_seconds") else f"{figure:,}"


def _percent(part: int, of: int) -> str:
    return f"{100 * part / of:.0f}%" if of else "-"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Align the first column left, the others right."""
    lines = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    shown = [
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]).rstrip()
        for line in lines
    ]
    rule = "─" * min(sum(widths) + 2 * (len(widths) - 1), WIDEST_RULE)
    return "\n".join([shown[0], rule, *shown[1:]] if shown[0] else shown[1:])
