"""A reply as an email: marked as automatic, and threaded under the customer's message (RFC 3834, RFC 5322)."""

import email.message
import email.policy
import re
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage

from agentops.lib import addresses

# Out-of-office programs don't answer these, so two machines don't write to each other. The second is Exchange's own.
AUTOMATIC = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "OOF, AutoReply"}
_MESSAGE_ID = re.compile(r"\s*<?([!-;=?A-~]+@[!-;=?A-~]+)>?\s*")  # visible ASCII without angle brackets


def message_id(key: str) -> str:
    """Return the Message-ID of the email with this reply; empty if replies don't leave as email.

    Derived from the key, so a reply that is sent twice has one id, and mail programs can show it as one message.
    """
    if settings.REPLIES_BACKEND != "email":
        return ""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{key.replace(':', '.')}@{domain}>"


def build(reply: dict[str, Any], *, key: str) -> EmailMessage:
    """Return the email for a reply (the body in docs/contracts/replies.yaml)."""
    return _ReplyMessage(
        subject=reply["subject"],
        body=reply["body"],
        to=[addresses.deliverable(reply["to"])],
        headers={"Message-ID": message_id(key), **AUTOMATIC, **_threading(reply)},
    )


def _threading(reply: dict[str, Any]) -> dict[str, str]:
    """Return the headers by which mail programs show the reply under the customer's message."""
    answered = _MESSAGE_ID.fullmatch(reply.get("in_reply_to", ""))
    if answered is None:
        return {}
    named = [found[1] for each in reply.get("references", []) if (found := _MESSAGE_ID.fullmatch(each))]
    chain = dict.fromkeys(each for each in named if each != answered[1])
    return {"In-Reply-To": f"<{answered[1]}>", "References": " ".join(f"<{each}>" for each in [*chain, answered[1]])}


class _Ids(UnstructuredHeader, BaseHeader):
    """Message-IDs, one a line. Python would encode an id that is longer than its line, and the thread would be lost."""

    max_count = 1

    def fold(self, *, policy: "email.policy.Policy[Any]") -> str:
        return f"{self.name}: " + f"{policy.linesep} ".join(str(self).split()) + policy.linesep


class _ReplyMessage(EmailMessage):
    def message(self, *, policy: "email.policy.Policy[Any] | None" = None) -> email.message.EmailMessage:
        registry = HeaderRegistry()
        for name in ("message-id", "in-reply-to", "references"):
            registry.map_to_type(name, _Ids)
        wanted = policy or email.policy.default
        assert isinstance(wanted, email.policy.EmailPolicy)  # Django's backends use no other
        return super().message(policy=wanted.clone(header_factory=registry))
