"""docs/house.md shows the tree as it is."""

import re
import subprocess
from collections.abc import Iterator

from agentops.lab.local.programs import ROOT

HOUSE = (ROOT / "docs" / "house.md").read_text()
DESIGN = (ROOT / "docs" / "design.md").read_text()
PACKAGES = ("agentops", "approvals", "tickets")
MOST_LINES_OF_THE_MONEY_PATH = 2_350


def drawn() -> Iterator[str]:
    """The folders of the drawn tree, as paths: `approvals`, `approvals/effects`."""
    tree = re.search(r"```text\n(.+?)```", HOUSE, re.DOTALL)
    assert tree, "docs/house.md draws the tree in a text block"
    package = ""
    for line in tree[1].splitlines():
        indent, name = re.match(r"( *)([a-z]+)/", line).groups()
        package = package if indent else name
        yield f"{package}/{name}" if indent else name


def test_every_room_is_drawn_and_every_drawn_folder_exists() -> None:
    shown = list(drawn())
    rooms = [
        f"{package}/{folder.name}"
        for package in PACKAGES
        for folder in (ROOT / package).iterdir()
        if (folder / "__init__.py").is_file() and folder.name != "__pycache__"
    ]
    assert sorted(room for room in shown if "/" in room) == sorted(rooms)
    assert [folder for folder in shown if not (ROOT / folder).is_dir()] == []


def test_every_file_of_the_path_and_the_recipes_exists() -> None:
    named = set(re.findall(r"`((?:agentops|approvals|tickets|tests|templates)/[\w/.-]+)`", HOUSE))
    assert len(named) > 15
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_every_room_of_agentops_has_its_place_below_the_packages() -> None:
    settings = (ROOT / "pyproject.toml").read_text()
    packages = settings.split('name = "Packages')[1].split("[[tool.importlinter")[0]
    rooms = [path.name for path in (ROOT / "agentops").iterdir() if (path / "__init__.py").is_file()]
    rooms += [path.stem for path in (ROOT / "agentops").glob("[a-z]*.py")]
    missing = [room for room in rooms if f"agentops.{room}" not in packages and room != "migrations"]
    assert missing == []


def test_the_money_path_is_no_longer_than_the_documents_say() -> None:
    command = ["make", "--silent", "--no-print-directory", "money-path"]
    counted = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    *files, total = [line.split() for line in counted.splitlines()]
    told = [re.findall(r"at\s+most\s+([\d,]+)\s+lines\s+in\s+(\d+)\s+files", page) for page in (HOUSE, DESIGN)]
    assert told == [[(f"{MOST_LINES_OF_THE_MONEY_PATH:,}", str(len(files)))]] * 2
    assert int(total[0]) <= MOST_LINES_OF_THE_MONEY_PATH
