"""What people read in a demo, written down: make texts

Each role follows the links of the application, and every command is run where it succeeds and where it fails. The
plugin `tests.texts` adds what the other tests show, and writes all of it to a file that somebody can read in one
sitting.
"""

import json
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx2
import pytest
from django.urls import Resolver404, resolve

from agentops.lab.local.programs import ROOT
from agentops.lab.local.runtime import scratch_folder
from agentops.management.keys import PEOPLE, Keys
from tests import texts
from tests.acceptance.pictures import FAULTS, at_rest
from tests.acceptance.test_demo import demo, environment
from tests.waiting import until

MOST = 4  # pages of the same kind for each role
ENTRANCES = (
    "/",
    "/no-such-page/",
    "/chaos/",
    "/findings/",
    "/findings/?lane=closed",
    "/policy/edit/",
    "/queue/?lane=decided",
    "/queue/?lane=unknown",
    "/queue/?q=nothing",
    "/runs/?show=failed",
    "/tickets/?q=nothing",
    "/tickets/new/",
)
# Each with its options; those that start a whole world of their own are last.
COMMANDS = (
    ("help",),
    *((name, "--help") for name in ("demo", "post_tickets", "reconcile", "replay", "verify_audit")),
    *((name, "--help") for name in ("chaos", "evaluate", "soak")),
    ("demo",),
    ("demo", "--port", "0"),
    ("post_tickets", "no-such-file.json"),
    ("post_tickets", "manage.py"),
    ("post_tickets", "{tickets}"),
    ("post_tickets", "{tickets}", "--wait", "--timeout", "30"),
    ("post_tickets", "{tickets}", "--url", "http://localhost:1"),
    ("reconcile",),
    ("reconcile", "--since", "yesterday"),
    ("reconcile", "--since", "2099-01-01"),
    ("replay",),
    ("replay", "1"),
    ("replay", "1", "--mode", "live"),
    ("replay", "9999"),
    ("replay", "1", "--policy", "99"),
    ("replay", "1", "--prompt", "no-such-file.txt"),
    ("replay", "1", "--llm-model", "no-such-model"),
    ("replay", "--since", "14d", "--sample", "5"),
    ("replay", "--since", "2099-01-01"),
    ("verify_audit",),
    ("verify_audit", "--digest", "0" * 64),
    ("chaos", "--tickets", "0"),
    ("evaluate", "--at-once", "0"),
    ("evaluate", "no-such-file.json"),
    ("evaluate", "{tickets}"),
    ("soak", "--minutes", "0"),
    ("evaluate",),
    ("chaos", "--tickets", "8"),
    ("soak", "--minutes", "0.05"),
)
TICKET = {
    "source": "desk",
    "external_id": "1",
    "customer_email": "somebody@example.com",
    "subject": "A question",
    "body": "Do you sell lamps?",
}


@dataclass(frozen=True)
class Site:
    """A demo whose tickets have all come to rest."""

    url: str
    folder: Path
    passwords: dict[str, str]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with scratch_folder("texts") as scratch:
        faults = scratch / "faults.json"
        faults.write_text(json.dumps(FAULTS))
        with demo(scratch / "var", "--faults", str(faults)) as (_, port, output):
            until(lambda: at_rest(output), seconds=240)
            texts.BOOK.note("make demo", output().splitlines())
            keys = Keys.load(scratch / "var")
            assert keys
            yield Site(f"http://localhost:{port}", scratch / "var", keys.passwords)


def test_every_command_is_written_down(site: Site) -> None:
    tickets = site.folder.with_name("tickets.json")
    tickets.write_text(json.dumps([TICKET]))
    for given in COMMANDS:
        arguments = [each.replace("{tickets}", str(tickets)) for each in given]
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment(site.folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
        texts.BOOK.note(f"manage.py {' '.join(given)} (exits with {done.returncode})", filter(None, lines))
        assert lines
        assert "Traceback" not in done.stderr
    made = subprocess.run(
        [which("make") or "make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    texts.BOOK.note("make help", made.stdout.splitlines())


@pytest.mark.parametrize("name", PEOPLE)
def test_every_page_is_written_down(site: Site, name: str) -> None:
    with httpx2.Client(base_url=site.url, follow_redirects=True, timeout=30) as http:
        texts.BOOK.note("sign in", sign_in(http, name, "not the password"))
        assert "You're signed in" not in sign_in(http, name, site.passwords[name])
        seen = dict(walk(http))
    for (path, status), lines in seen.items():
        texts.BOOK.note(f"demo, {name}: {named(path)} ({status})", lines)
    assert {("/queue/", 200), ("/no-such-page/", 404)} <= seen.keys()
    if name != "admin":
        assert "You don't have access" in seen["/policy/edit/", 403]


def sign_in(http: httpx2.Client, name: str, password: str) -> list[str]:
    """Return the text of the page that follows."""
    http.get("/login/")
    form = {"username": name, "password": password, "csrfmiddlewaretoken": http.cookies["csrftoken"]}
    answer = http.post("/login/", data=form, headers={"Referer": str(http.base_url)})
    return texts.read("text/html", answer.status_code, answer.text)


def walk(http: httpx2.Client) -> Iterator[tuple[tuple[str, int], list[str]]]:
    """Follow links from the entrances on, a few pages of each kind. Yields each page's path, status and lines."""
    seen, kinds = set(ENTRANCES), Counter[str]()
    ahead = deque(ENTRANCES)
    while ahead:
        path = ahead.popleft()
        kind = named(path)
        kinds[kind] += 1
        if kinds[kind] > MOST:
            continue
        page = http.get(path)
        content_type = page.headers["Content-Type"]
        yield (path, page.status_code), texts.read(content_type, page.status_code, page.text)
        if not content_type.startswith("text/html"):
            continue
        reader = texts.Reader()
        reader.feed(page.text)
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
