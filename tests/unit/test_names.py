"""One name for one idea: few public names are defined in more than one module. `make names` lists them."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("agentops", "approvals", "tickets")
# Migrations and commands are named by Django; the lab imitates outside systems and speaks their words.
LEFT_OUT = {"migrations", "lab", "commands"}
LIMIT = 30
# Names that several modules share on purpose, because they mean the same in each.
SHARED = {
    "log": "the module's logger",
    "urlpatterns": "Django's name for a module's URLs",
    "register": "Django's name for a module's template tags",
    "due": "every queue of the sweep: the ids of what is due",
    "LINE": "every queue of the sweep: its name",
    "send_refund": "the interface of a payment adapter",
    "find_refund": "the interface of a payment adapter",
    "refunds_since": "the interface of a payment adapter",
    "keeps_keys": "the interface of a provider: whether it remembers idempotency keys",
    "MOVES": "the table of legal moves, of actions and of tickets",
    "may_move": "whether a move is legal, of actions and of tickets",
}


def _names(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.TypeAlias(name=ast.Name(id=name)):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def ambiguous_names() -> dict[str, list[str]]:
    """Return the public names that several modules define, with the modules' paths, without those in SHARED."""
    found: dict[str, set[str]] = defaultdict(set)
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if LEFT_OUT & set(path.parts):
                continue
            for statement in ast.parse(path.read_text()).body:
                for name in _names(statement):
                    if not name.startswith("_"):
                        found[name].add(str(path.relative_to(ROOT)))
    return {name: sorted(paths) for name, paths in sorted(found.items()) if len(paths) > 1 and name not in SHARED}


def test_few_public_names_are_defined_in_several_modules() -> None:
    names = ambiguous_names()
    assert len(names) <= LIMIT, names


if __name__ == "__main__":
    for name, paths in ambiguous_names().items():
        sys.stdout.write(f"{name}: {', '.join(paths)}\n")
