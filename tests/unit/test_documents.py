"""Documents that code and other documents refer to exist in the repository."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from agentops.lab.local.programs import ROOT

DOCS = ROOT / "docs"
# Pages of the site that are not in docs/: written from the code, or root documents (docs/hooks/pages.py).
GENERATED = {DOCS / "reference" / f"{name}.md" for name in ("settings", "commands", "http")}
PLACED = {DOCS / f"{name.lower()}.md": ROOT / f"{name}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY")}
# Files that may name a document.
TEXTS = (".py", ".html", ".js", ".css", ".toml", ".yml", ".yaml", ".md", ".sh", "Makefile", "run", ".env.example")


def files(*suffixes: str) -> list[Path]:
    """Return the repository's files with these endings, without generated folders (.venv, var, caches)."""
    rooms = ("agentops", "approvals", "tickets", "templates", "static", "tests", "docs", ".github", ".ci")
    found = [file for room in rooms for file in (ROOT / room).rglob("*")] + list(ROOT.glob("*"))
    return sorted(file for file in found if file.is_file() and (file.suffix or file.name) in suffixes)


def anchor(heading: str) -> str:
    """Return the anchor that Markdown gives a heading."""
    plain = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def anchors(page: Path) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)}


def prose(page: Path) -> str:
    """Return the page without code blocks, which may contain anything."""
    return re.sub(r"^( *)```.*?^\1```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def broken_links(page: Path) -> list[str]:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        if file in GENERATED:
            continue
        file = PLACED.get(file, file)
        if not file.exists() or (fragment and file.suffix == ".md" and fragment not in anchors(file)):
            broken.append(target)
    return broken


def decisions() -> dict[str, Path]:
    return {page.name[:4]: page for page in (DOCS / "decisions").glob("[0-9]*.md")}


@pytest.mark.parametrize("page", files(".md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    assert broken_links(page) == []


@pytest.mark.parametrize("page", files(".md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_files_named_on_a_page_exist(page: Path) -> None:
    tops = "agentops|approvals|tickets|templates|static|tests|docs"
    named = re.findall(rf"`((?:{tops})/[\w./-]+)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Here\n\n[a](missing.md) [b](#here) [c](#there) [d](page.md#here) [e](https://example.com/x)\n")
    assert broken_links(page) == ["missing.md", "#there"]


def test_code_refers_only_to_existing_documents() -> None:
    sections = set(re.findall(r"^#{2,3} (\d+(?:\.\d+)?)[. ]", (DOCS / "design.md").read_text(), re.MULTILINE))
    missing = []
    for file in files(*TEXTS):
        text = file.read_text()
        named = [name for name in re.findall(r"docs/[\w./-]+\.(?:md|yaml|svg|png)", text) if not (ROOT / name).exists()]
        cited = re.findall(r"docs/design\.md, ((?:\d+(?:\.\d+)?(?:, | and )?)+)", text)
        numbers = [number for group in cited for number in re.findall(r"\d+(?:\.\d+)?", group)]
        numbered = re.findall(r"(?:\b[Dd]ecision |\bdecisions/)(\d{4})\b", text)
        missing += [f"{file.relative_to(ROOT)}: {name}" for name in named if ROOT / name not in {*GENERATED, *PLACED}]
        missing += [f"{file.relative_to(ROOT)}: design {number}" for number in numbers if number not in sections]
        missing += [f"{file.relative_to(ROOT)}: decision {number}" for number in numbered if number not in decisions()]
        unknown = re.findall(r"\bDESIGN ?§\S*|\b[A-Z_]{4,}\.md\b", text)
        missing += [f"{file.relative_to(ROOT)}: {name}" for name in unknown if not (ROOT / name).is_file()]
    assert missing == []


def test_each_decision_has_a_status_date_and_index_entry() -> None:
    index = (DOCS / "decisions" / "index.md").read_text()
    for number, page in decisions().items():
        assert re.search(r"^Status: accepted · Date: \d{4}-\d\d-\d\d$", page.read_text(), re.MULTILINE), page.name
        assert f"({page.name})" in index, f"{number} is not in the index"


@pytest.mark.parametrize("name", ["intake", "orders", "refunds", "replies"])
def test_contracts_are_valid_openapi(name: str) -> None:
    contract = yaml.safe_load((DOCS / "contracts" / f"{name}.yaml").read_text())
    assert contract["info"]["version"] in ("1.0", "1.1")
    assert [problem.message for problem in OpenAPIV31SpecValidator(contract).iter_errors()] == []
