"""A pytest plugin that writes down what people read while tests run: `-p tests.texts`, as `make texts` does.

Every response that a test gets from Django's client is noted, with the messages that the next page would show, and
every email. Tests note more in `BOOK`. At the end all of it is in var/texts.txt, by page and command. A line is left
out where an earlier one differs only in figures and names with digits, so that somebody can read it in one sitting.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.contrib.messages import get_messages
from django.core import mail
from django.http import HttpRequest, HttpResponse
from django.test import override_settings

from tests.services import kept

INLINE = frozenset(
    ["a", "abbr", "b", "bdi", "code", "del", "em", "i", "ins", "kbd", "mark", "q", "small", "span", "strong", "time"]
)
UNSEEN = frozenset({"head", "script", "style", "template", "datalist"})
NAMED = ("aria-label", "title", "placeholder")


@dataclass
class Book:
    """Lines of text by the page or command that shows them."""

    pages: dict[str, list[str]] = field(default_factory=dict)

    def note(self, page: str, lines: Iterable[str]) -> None:
        self.pages.setdefault(page, []).extend(lines)

    def text(self) -> str:
        """Return all texts: for each page, the lines that no earlier page has."""
        seen: set[str] = set()
        out: list[str] = []
        for page, lines in self.pages.items():
            new = []
            for line in lines:
                key = re.sub(r"\S*\d\S*", "0", line)
                if key not in seen:
                    seen.add(key)
                    new.append(line)
            out += ["", f"=== {page}", *new] if new else []
        return "\n".join(out) + "\n"


BOOK = Book()


class Reader(HTMLParser):
    """Collects a page's links, and its text with one line per block."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
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
            self.words.append(" ".join(f"|{data}|".split())[1:-1])

    def _between(self, tag: str) -> None:
        self.words.append("" if tag in INLINE else "\n")

    def lines(self) -> list[str]:
        lines = (" ".join(line.split()) for line in "".join(self.words).splitlines())
        return [line for line in lines if line]


def read(content_type: str, status: int, body: str) -> list[str]:
    """Return the lines that a person reads in an answer: a page, the head of a table, an API's error."""
    if content_type.startswith("text/html"):
        reader = Reader()
        reader.feed(body)
        return reader.lines()
    if content_type.startswith("text/csv"):
        return body.splitlines()[:1]
    if content_type.startswith("text/plain"):  # a refusal, or metrics: of these the help
        return [line for line in body.splitlines() if status >= 400 or line.startswith("# HELP")]
    return [body] if content_type.startswith("application/json") and status >= 400 else []


def noting(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware that notes each response, and the messages that the next page will show."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        page = request.resolver_match.view_name if request.resolver_match else "no page"
        queued = getattr(get_messages(request), "_queued_messages", []) if hasattr(request, "_messages") else []
        BOOK.note(f"messages after {page}", (str(message) for message in queued))
        if not response.streaming:
            kind = response.headers.get("Content-Type", "")
            lines = read(kind, response.status_code, response.content.decode(errors="replace"))
            BOOK.note(f"{page} ({response.status_code})", lines)
        return response

    return respond


@pytest.fixture(scope="session", autouse=True)
def _noted() -> Iterator[None]:
    with override_settings(MIDDLEWARE=["tests.texts.noting", *settings.MIDDLEWARE]):
        yield


def pytest_runtest_teardown() -> None:
    for letter in getattr(mail, "outbox", []):
        BOOK.note("emails", (f"Subject: {letter.subject}", *letter.body.splitlines()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the book. Where the tests ran in several processes, each hands its book to the first, which is last."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["texts"] = json.dumps(BOOK.pages)
        return
    file = kept() / "texts.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(BOOK.text())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for page, lines in json.loads(getattr(node, "workeroutput", {}).get("texts", "{}")).items():
        BOOK.note(page, lines)
