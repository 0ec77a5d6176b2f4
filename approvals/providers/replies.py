"""Where a reply leaves: a signed webhook to the help desk (contracts/replies.yaml), or e-mail."""

import json
import smtplib
from datetime import UTC, datetime
from functools import cache

import httpx2
from django.conf import settings
from django.core.mail import EmailMessage
from standardwebhooks import Webhook

from agentops.lib import http
from agentops.lib.errors import EffectUnknown, ProviderError, Terminal, Transient
from approvals.providers.receipt import Receipt

NAME = "replies"


def send_reply(*, body: str, key: str) -> Receipt:
    """Delivers the reply that `body` (replies.yaml as JSON) holds, under `key`. Raises ProviderError."""
    return _send_email(body, key) if settings.REPLIES_BACKEND == "email" else _send_webhook(body, key)


def _send_webhook(body: str, key: str) -> Receipt:
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(settings.REPLIES_SIGNING_SECRET).sign(key, now, body),
    }
    try:
        response = _client().post(settings.REPLIES_URL, content=body.encode(), headers=headers)
    except http.NEVER_SENT as error:
        raise Transient("unreachable", f"never sent: {error}") from error
    except httpx2.HTTPError as error:
        raise EffectUnknown("connection_lost", f"no answer: {error or type(error).__name__}") from error
    text = response.text[: http.MAX_BODY_KEPT]
    # 409 is "delivered before": the same reply under the same id, which is what we want to hear.
    if response.is_success or response.status_code == 409:
        replayed = response.status_code == 409
        return Receipt(reference=key, answer=text, http_status=response.status_code, replayed=replayed)
    raise http.failure(response.status_code, response.text, retry_after=response.headers.get("Retry-After"))


def _send_email(body: str, key: str) -> Receipt:
    reply = json.loads(body)
    message = EmailMessage(
        subject=reply["subject"],
        body=reply["body"],
        to=[reply["to"]],
        headers={"Message-ID": f"<{key.replace(':', '.')}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2]}>"},
    )
    try:
        message.send()
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
        raise Terminal("recipient_refused", str(error)) from error
    except (smtplib.SMTPConnectError, smtplib.SMTPHeloError, ConnectionRefusedError) as error:
        raise Transient("unreachable", f"never sent: {error}") from error
    except smtplib.SMTPResponseException as error:
        raise _smtp_answer(error) from error
    except OSError as error:  # lost in the middle: the server may have taken it
        raise EffectUnknown("connection_lost", f"no answer: {error or type(error).__name__}") from error
    return Receipt(reference=message.extra_headers["Message-ID"])


def _smtp_answer(error: smtplib.SMTPResponseException) -> ProviderError:
    kind = Transient if 400 <= error.smtp_code < 500 else Terminal
    return kind(f"smtp_{error.smtp_code}", repr(error.smtp_error))


def _client() -> httpx2.Client:
    return _kept_client(settings.PROVIDER_TIMEOUT_SECONDS)


@cache
def _kept_client(timeout: float) -> httpx2.Client:
    return http.client("", timeout=timeout)
