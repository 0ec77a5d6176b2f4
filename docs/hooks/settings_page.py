"""The settings reference: names and defaults from agentops/settings.py, descriptions from .env.example.

Both are read as text, so nothing of a developer's own .env gets into the page.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

HEAD = """# Settings

Set these in the environment or in a file `.env` beside `manage.py`; the environment takes precedence. Defaults are for
production. `python manage.py check --deploy` says which ones a deployment still needs. This page is generated from
`agentops/settings.py` and `.env.example`.
"""
KINDS = {"bool": "on or off", "int": "whole number", "float": "number", "json": "JSON"}
UNITS = {"email_url": "URL"}


@dataclass(frozen=True)
class Setting:
    kind: str
    default: str


def render(root: Path) -> str:
    settings = read(root / "agentops" / "settings.py")
    parts = [HEAD]
    for title, rows in described(root / ".env.example"):
        parts.append(f"\n## {title}\n\n| setting | meaning | default |\n|---|---|---|\n")
        parts += [row(name, text, settings[name]) for name, text in rows]
    return "".join(parts)


def row(name: str, text: str, setting: Setting) -> str:
    kind = f"<br><small>{setting.kind}</small>" if setting.kind else ""
    return f"| `{name}` | {text.replace('|', '&#124;')}{kind} | {setting.default} |\n"


def read(file: Path) -> dict[str, Setting]:
    """Return each setting that the file reads with `env.<type>(NAME, default)`."""
    found = {}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        name = node.args[0]
        if not (
            isinstance(node.func.value, ast.Name) and node.func.value.id == "env" and isinstance(name, ast.Constant)
        ):
            continue
        default = next((word.value for word in node.keywords if word.arg == "default"), None)
        default = node.args[1] if len(node.args) > 1 else default
        kind = node.func.attr
        found[str(name.value)] = Setting(KINDS.get(kind, UNITS.get(kind, "")), shown(default))
    return found


def shown(default: ast.expr | None) -> str:
    """Return the default as a reader writes it; an expression over other settings stays an expression."""
    if default is None:
        return ""
    try:
        value = ast.literal_eval(default)
    except ValueError:
        value = product(default)
    if value in ("", [], None):
        return "*empty*"
    if isinstance(value, bool):
        return "`1`" if value else "`0`"
    if isinstance(value, dict):
        return ", ".join(f"`{key}`" for key in value)
    return f"`{value}`"


def product(default: ast.expr) -> object:
    if isinstance(default, ast.BinOp) and isinstance(default.op, ast.Mult):
        return ast.literal_eval(default.left) * ast.literal_eval(default.right)
    return ast.unparse(default)


def described(file: Path) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return (section, [(setting, description)]) in the file's order. Raises ValueError for one without a comment."""
    sections: list[tuple[str, list[tuple[str, str]]]] = []
    comment: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if title := re.fullmatch(r"# --- (.+) ---", line):
            sections.append((title[1], []))
            comment = []
        elif setting := re.match(r"(?:# )?([A-Z_]+)=", line):
            if not comment:
                raise ValueError(f"{file.name}: {setting[1]} has no comment above it")
            sections[-1][1].append((setting[1], " ".join(comment)))
            comment = []
        else:
            comment = [*comment, line.removeprefix("# ")] if line.startswith("# ") else []
    return sections
