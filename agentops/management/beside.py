"""A command beside a running demo: it finds the demo's world in DATA_DIR, where post_tickets finds its secret."""

from django.conf import settings

from agentops.management.keys import Keys


def demo() -> Keys | None:
    """Of the demo that ran here last."""
    return Keys.load(settings.DATA_DIR)


def url() -> str:
    """Where the application answers for people: as set, else where the demo did last."""
    found = demo()
    return settings.PUBLIC_URL or (found.url if found else "") or "http://localhost:8000"


def use_demo() -> None:
    """Sets what the settings leave empty to the running demo's addresses, where its database is the one in use."""
    found = demo()
    if found is None or settings.DATABASES["default"]["HOST"] != str((settings.DATA_DIR / "run").resolve()):
        return
    addresses = found.addresses
    if settings.OPENAI_BASE_URL or settings.OPENAI_API_KEY:  # a model of one's own: its key is not shown to the demo's
        addresses = {name: url for name, url in addresses.items() if not name.startswith("OPENAI_")}
    for name, url in addresses.items():
        if not getattr(settings, name):
            setattr(settings, name, url)
