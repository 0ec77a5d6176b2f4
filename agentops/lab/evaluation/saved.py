"""Runs saved as JSON in DATA_DIR/evaluations, and changes since the previous run of the same set."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Change:
    """`better` is None if neither is better (differences in cost and time below a tenth are listed, not judged)."""

    name: str
    before: Any
    now: Any
    better: bool | None


def save(folder: Path, kept: dict[str, Any], *, at: datetime) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{at:%Y%m%dT%H%M%S%f}.json"
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(kept, indent=2, ensure_ascii=False), encoding="utf-8")
    unfinished.replace(file)
    return file


def last(folder: Path, digest: str) -> dict[str, Any] | None:
    """Return the newest run of this set. Unreadable files are skipped."""
    for file in sorted(folder.glob("*.json"), reverse=True):
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(kept, dict) and kept.get("set") == digest:
            return kept
    return None


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[Change]:
    """Return the figures that differ. Money in several currencies is better if no currency has more."""
    found = []
    for name, more_is_better in (
        ("right", True),
        ("over_refusals", False),
        ("answered_without_a_person", False),
        ("unfinished", False),
        ("not_asked", False),
        ("accounts_changed_alone", False),
    ):
        old, new = before.get(name, 0), now[name]  # an older run lacks some of them
        if old != new:
            found.append(Change(name, old, new, (new > old) == more_is_better))
    for name in ("wrong_money", "beyond_policy"):
        old, new = before[name], now[name]
        if old != new:
            more = [currency for currency in new if new[currency] > old.get(currency, 0)]
            less = [currency for currency in old if old[currency] > new.get(currency, 0)]
            found.append(Change(name, old, new, None if more and less else bool(less)))
    for name in ("cost_usd", "p50_seconds", "p95_seconds"):
        old, new = before[name], now[name]
        if old != new:
            found.append(Change(name, old, new, _much_less(old, new)))
    return found


def turned(before: dict[str, Any], now: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the names of tickets that became right, and of those that became wrong."""
    was = {row["name"]: row["right"] for row in before["judged"]}
    known = [row for row in now["judged"] if row["name"] in was]
    better = [row["name"] for row in known if row["right"] and not was[row["name"]]]
    worse = [row["name"] for row in known if was[row["name"]] and not row["right"]]
    return better, worse


def _much_less(old: Any, new: Any) -> bool | None:
    if old is None or new is None or not float(old):
        return None
    ratio = float(new) / float(old)
    return None if 0.9 < ratio < 1.1 else ratio < 1
