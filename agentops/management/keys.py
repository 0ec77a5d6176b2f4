"""The demo's secrets and its users' passwords, kept for its next start in a file that only the owner can read."""

import json
import os
import secrets
from base64 import b64encode
from dataclasses import asdict, dataclass, field
from pathlib import Path

PEOPLE = ("lead", "lead2", "admin", "auditor")


def signing_secret() -> str:
    """Return a secret in the format of Standard Webhooks."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def password() -> str:
    """Return a random password that is easy to type."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"  # without 0, 1, l and o, which look alike
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(3))


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets and passwords. `url` is the demo's last address, `addresses` the settings of its running services."""

    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    intake_signing_secret: str = field(default_factory=signing_secret, repr=False)
    replies_signing_secret: str = field(default_factory=signing_secret, repr=False)
    passwords: dict[str, str] = field(default_factory=lambda: {name: password() for name in PEOPLE}, repr=False)
    url: str = ""
    addresses: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def path(data: Path) -> Path:
        return data / "demo.json"

    @classmethod
    def load(cls, data: Path) -> "Keys | None":
        """Return the keys of an earlier start, or None."""
        try:
            return cls(**json.loads(cls.path(data).read_text()))
        except FileNotFoundError:
            return None

    def save(self, data: Path) -> None:
        # Write a second file and rename it: a crash must not leave half a file, and a reader must never see one.
        unfinished = self.path(data).with_suffix(".unfinished")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file, indent=2)
        unfinished.replace(self.path(data))
