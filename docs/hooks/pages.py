"""MkDocs hook: add the pages that are generated from the code, and the root documents, to the site.

`make docs` runs it. Nothing here needs a database or the network.
"""

import re

import _django
import commands_page
import http_page
import settings_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

GENERATED = {
    "reference/settings.md": settings_page.render,
    "reference/commands.md": commands_page.render,
    "reference/http.md": http_page.render,
}
# Root documents that belong to the site; their links start at the root.
ROOT_DOCUMENTS = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md", "security.md": "SECURITY.md"}
ASSETS = {"assets/icon.svg": "static/icon.svg"}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    for path, render in GENERATED.items():
        files.append(File.generated(config, path, content=render(_django.ROOT)))
    for path, source in ROOT_DOCUMENTS.items():
        files.append(
            File.generated(config, path, content=from_root((_django.ROOT / source).read_text(encoding="utf-8")))
        )
    for path, source in ASSETS.items():
        files.append(File.generated(config, path, abs_src_path=str(_django.ROOT / source)))
    return files


def from_root(text: str) -> str:
    """Return a root document with its links as they are within the site; links to files outside it become text."""
    text = text.replace("](docs/", "](")
    for path, source in ROOT_DOCUMENTS.items():
        text = text.replace(f"]({source})", f"]({path})")
    return re.sub(r"\[([^]]*)\]\((?:LICENSE|CODE_OF_CONDUCT\.md)\)", r"\1", text)
