"""Give commands that run next to a demo its addresses and secrets, which it keeps in DATA_DIR."""

from django.conf import settings

from agentops.management.keys import Keys


def demo() -> Keys | None:
    """Return the keys of the last demo that ran here."""
    return Keys.load(settings.DATA_DIR)


def url() -> str:
    """Return the address of the application for people: PUBLIC_URL, otherwise the last demo's."""
    found = demo()
    return settings.PUBLIC_URL or (found.url if found else "") or "http://localhost:8000"


def use_demo() -> None:
    """Set empty settings to the running demo's addresses, if its database is the one in use."""
    found = demo()
    # Another database means another installation, whose commands must not reach the demo's services.
    if found is None or settings.DATABASES["default"]["HOST"] != str((settings.DATA_DIR / "run").resolve()):
        return
    addresses = found.addresses
    if settings.OPENAI_BASE_URL or settings.OPENAI_API_KEY:  # a real model's key must not reach the demo's
        addresses = {name: url for name, url in addresses.items() if not name.startswith("OPENAI_")}
    for name, url in addresses.items():
        if not getattr(settings, name):
            setattr(settings, name, url)
