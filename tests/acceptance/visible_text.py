"""The visible text of every page, as each role sees it: make texts

A demo is started on its own seed, and each role follows the links of the application. What a person would read is
written to a file, page by page, so that somebody can read all of it in one sitting.
"""

import json
from collections import Counter, deque
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx2
import pytest
from django.urls import Resolver404, resolve

from agentops.lab.local.programs import ROOT
from agentops.management.keys import PEOPLE, Keys
from tests.acceptance.pictures import FAULTS, at_rest
from tests.acceptance.test_demo import demo
from tests.waiting import until

TEXTS = ROOT / "var" / "texts.txt"
MOST = 4  # pages of the same kind for each role
INLINE = frozenset(
    ["a", "abbr", "b", "bdi", "code", "del", "em", "i", "ins", "kbd", "mark", "q", "small", "span", "strong", "time"]
)
UNSEEN = frozenset({"head", "script", "style", "template", "datalist"})
NAMED = ("aria-label", "title", "placeholder")


class Reader(HTMLParser):
    """Collects a page's links, and its text with one line per block."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href") and "download" not in given:
            self.links.append(str(given["href"]))
        if tag in UNSEEN:
            self.hidden += 1
        self._between(tag)
        self.words += [f"[{given[name]}]" for name in NAMED if given.get(name) and not self.hidden]

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self.hidden -= 1
        self._between(tag)

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data)

    def _between(self, tag: str) -> None:
        self.words.append("" if tag in INLINE else "\n")

    def lines(self) -> list[str]:
        lines = (" ".join(line.split()) for line in "".join(self.words).splitlines())
        return [line for line in lines if line]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The address and the passwords of a demo whose tickets have all come to rest."""
    folder = tmp_path / "var"
    faults = folder.with_suffix(".json")
    faults.write_text(json.dumps(FAULTS))
    with demo(folder, "--faults", str(faults)) as (_, port, output):
        until(lambda: at_rest(output), seconds=240)
        keys = Keys.load(folder)
        assert keys
        yield f"http://localhost:{port}", keys.passwords


def test_every_page_is_written_down(site: tuple[str, dict[str, str]]) -> None:
    address, passwords = site
    told: list[str] = []
    for name in PEOPLE:
        with httpx2.Client(base_url=address, follow_redirects=True, timeout=30) as http:
            sign_in(http, name, passwords[name])
            told += walk(http, name)
    TEXTS.parent.mkdir(exist_ok=True)
    TEXTS.write_text("\n".join(told) + "\n")
    assert {"Queue", "Page not found", "You don't have access"} <= set(told)


def sign_in(http: httpx2.Client, name: str, password: str) -> None:
    http.get("/login/")
    form = {"username": name, "password": password, "csrfmiddlewaretoken": http.cookies["csrftoken"]}
    answer = http.post("/login/", data=form, headers={"Referer": str(http.base_url)})
    assert answer.url.path == "/", "the password was not accepted"


def walk(http: httpx2.Client, name: str) -> Iterator[str]:
    """Follow links from the dashboard on, a few pages of each kind; the error pages are asked for by name."""
    seen, kinds = {"/"}, Counter[str]()
    ahead = deque(
        ["/", "/no-such-page/", "/policy/edit/", "/tickets/new/", "/queue/?lane=unknown", "/queue/?lane=decided"]
    )
    while ahead:
        path = ahead.popleft()
        kind = named(path)
        kinds[kind] += 1
        if kinds[kind] > MOST:
            continue
        page = http.get(path)
        if not page.headers["Content-Type"].startswith("text/html"):
            continue
        reader = Reader()
        reader.feed(page.text)
        yield from ("", f"=== {name} {path} ({page.status_code})", *reader.lines())
        for link in reader.links:
            target, _ = urldefrag(urljoin(path, link))
            if not urlsplit(target).netloc and target not in seen:
                seen.add(target)
                ahead.append(target)


def named(path: str) -> str:
    """The name of the page at a path, so that pages of one kind count together."""
    parts = urlsplit(path)
    try:
        return f"{resolve(parts.path).url_name}{'?' if parts.query else ''}"
    except Resolver404:
        return path
