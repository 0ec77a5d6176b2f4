"""Names that others depend on: installations, queued messages, bookmarks, scripts and environment files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from celery import current_app
from django.apps import apps
from django.core.management import get_commands
from django.urls import URLPattern, URLResolver, get_resolver

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ("agentops", "approvals", "tickets")


def collect() -> dict[str, Any]:
    """App labels, tables, management commands, Celery tasks, settings, and the path of each URL name."""
    current_app.loader.import_default_modules()
    configs = [config for config in apps.get_app_configs() if _ours(config.name)]
    commands = {name: app if isinstance(app, str) else app.name for name, app in get_commands().items()}
    return {
        "apps": sorted({config.label for config in configs} & set(OURS)),
        "tables": {model._meta.label: model._meta.db_table for config in configs for model in config.get_models()},
        "commands": sorted(name for name, app in commands.items() if _ours(app)),
        "tasks": sorted(name for name in current_app.tasks if _ours(name)),
        "settings": sorted(re.findall(r'env\.\w+\(\s*"(\w+)"', (ROOT / "agentops" / "settings.py").read_text())),
        "urls": dict(sorted(_routes(get_resolver()))),
    }


def _ours(name: str) -> bool:
    return name.partition(".")[0] in OURS


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        route = f"{prefix}{pattern.pattern}"
        if route.startswith("admin/"):
            continue
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, route)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name, route
