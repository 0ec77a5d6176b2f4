"""Send replies: as a signed webhook to the help desk (docs/contracts/replies.yaml), or as e-mail."""

import json
import smtplib
from contextlib import suppress
from datetime import UTC, datetime

import httpx2
from django.conf import settings
from django.core.mail import EmailMessage, mailers
from django.core.mail.backends.base import BaseEmailBackend
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from agentops.lib import calls, http
from agentops.lib.errors import EffectUnknown, ProviderError, Terminal, Transient, Unauthorized
from agentops.lib.per_process import kept
from approvals.providers import reply_email
from approvals.providers.receipt import Receipt

NAME = "replies"
SMTP_STEPS = 10  # of a delivery at most, each of which may take the whole timeout
SMTP_UNAUTHORIZED = (530, 535)  # authentication required, or refused


def send_reply(*, body: str, key: str) -> Receipt:
    """Deliver the reply in `body` (JSON, docs/contracts/replies.yaml) under `key`. Raises ProviderError."""
    return _send_email(body, key) if settings.REPLIES_BACKEND == "email" else _send_webhook(body, key)


def keeps_keys() -> bool:
    """Return whether the receiver recognises a reply that it already has. A help desk does, by the webhook's id; a
    mailbox doesn't, so a repeated e-mail arrives twice."""
    return bool(settings.REPLIES_BACKEND != "email")


def _send_webhook(body: str, key: str) -> Receipt:
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": _signature(key, now, body),
    }
    response = http.send_request(_client(), "POST", settings.REPLIES_URL, content=_bytes(body), headers=headers)
    # 409 means that the same reply was delivered before under the same id, which is a success.
    if response.is_success or response.status_code == 409:
        text, replayed = response.text[: http.MAX_BODY_KEPT], response.status_code == 409
        return Receipt(reference=key, answer=text, http_status=response.status_code, replayed=replayed)
    raise http.failure(response.status_code, response.text, retry_after=response.headers.get("Retry-After"))


def _signature(key: str, now: datetime, body: str) -> str:
    _bytes(body)
    try:
        return Webhook(settings.REPLIES_SIGNING_SECRET).sign(key, now, body)
    except (EmptyWebhookSecretError, ValueError) as error:
        # The reply itself is fine, so it waits until the secret is configured.
        raise Unauthorized("no_signing_secret", f"REPLIES_SIGNING_SECRET can't be used: {error}.") from error


def _bytes(body: str) -> bytes:
    try:
        return body.encode()
    except UnicodeEncodeError as error:
        raise Terminal(
            "unencodable", f"The reply contains characters that can't be encoded: {error.reason}."
        ) from error


def _send_email(body: str, key: str) -> Receipt:
    message = reply_email.build(json.loads(body), key=key)
    try:
        message.message().as_bytes()
    except ValueError as error:  # a line break in the subject, or an address that no mail server accepts
        raise Terminal("unsendable", f"This email can't be sent: {error}.") from error
    with calls.under_way(SMTP_STEPS * settings.PROVIDER_TIMEOUT_SECONDS):
        _deliver(message)
    return Receipt(reference=message.extra_headers["Message-ID"])


def _deliver(message: EmailMessage) -> None:
    connection = _connected()
    try:
        connection.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(error) from error
    except smtplib.SMTPResponseException as error:
        raise _smtp_answer(error) from error
    except (smtplib.SMTPNotSupportedError, ValueError) as error:
        raise Terminal("unsendable", f"The mail server doesn't support this email: {error}.") from error
    except OSError as error:  # lost while sending: the server may have accepted it
        raise EffectUnknown(
            "connection_lost", f"The mail server didn't respond: {error or type(error).__name__}."
        ) from error
    finally:
        with suppress(OSError):  # the message is sent, even if closing the connection fails
            connection.close()


def _connected() -> BaseEmailBackend:
    """Return an open connection, logged in. An error up to here means that nothing was sent."""
    connection: BaseEmailBackend = mailers.default
    try:
        connection.open()
    except smtplib.SMTPNotSupportedError as error:
        raise Unauthorized(
            "smtp_not_supported", f"The mail server doesn't support the configured options: {error}."
        ) from error
    except smtplib.SMTPResponseException as error:
        answer = _smtp_answer(error)
        if isinstance(answer, Unauthorized):
            raise answer from error
        raise Transient("unreachable", f"Couldn't connect, so nothing was sent: {error}.") from error
    except OSError as error:
        raise Transient(
            "unreachable", f"Couldn't connect, so nothing was sent: {error or type(error).__name__}."
        ) from error
    return connection


def _smtp_answer(error: smtplib.SMTPResponseException) -> ProviderError:
    if error.smtp_code in SMTP_UNAUTHORIZED:
        return Unauthorized(f"smtp_{error.smtp_code}", repr(error.smtp_error))
    kind = Transient if 400 <= error.smtp_code < 500 else Terminal  # RFC 5321: 4yz is temporary, 5yz permanent
    return kind(f"smtp_{error.smtp_code}", repr(error.smtp_error))


def _refused(error: smtplib.SMTPRecipientsRefused) -> ProviderError:
    codes = [code for code, _ in error.recipients.values()]
    if any(code in SMTP_UNAUTHORIZED for code in codes):
        return Unauthorized(f"smtp_{codes[0]}", str(error))
    kind = Transient if all(400 <= code < 500 for code in codes) else Terminal  # greylisting passes
    return kind("recipient_refused", str(error))


def _client() -> httpx2.Client:
    return _kept_client(settings.PROVIDER_TIMEOUT_SECONDS)


@kept
def _kept_client(timeout: float) -> httpx2.Client:
    return http.client("", timeout=timeout)
