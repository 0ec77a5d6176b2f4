"""System checks of the settings, run at start-up and by `manage.py check`."""

import math
import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from agentops.worker import sweep
from approvals.effects import lookup

MAX_TOKENS_NAMES = ("max_completion_tokens", "max_tokens")
PAYMENTS_BACKENDS = ("http", "stripe")
REPLIES_BACKENDS = ("webhook", "email")


@register()
def outside_systems(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for name, valid in (("PAYMENTS_BACKEND", PAYMENTS_BACKENDS), ("REPLIES_BACKEND", REPLIES_BACKENDS)):
        if getattr(settings, name) not in valid:
            found.append(Error(f"{name} is {getattr(settings, name)!r}; it must be one of: {', '.join(valid)}."))
    return found


@register(deploy=True)
def not_set(**_: Any) -> list[CheckMessage]:
    """Warn about settings that a deployment needs, but a command on a developer's machine doesn't."""
    payments = "STRIPE_API_BASE" if settings.PAYMENTS_BACKEND == "stripe" else "PAYMENTS_URL"
    needed = ["ORDERS_URL", payments, *(["REPLIES_URL"] if settings.REPLIES_BACKEND == "webhook" else [])]
    signed = ["INTAKE_SIGNING_SECRET", *(["REPLIES_SIGNING_SECRET"] if settings.REPLIES_BACKEND == "webhook" else [])]
    stripe = ["STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"] if settings.PAYMENTS_BACKEND == "stripe" else []
    return [
        *(
            Warning(f"{name} is not an http(s) address; actions that need it will wait.", id="agentops.W001")
            for name in needed
            if not getattr(settings, name).startswith(("http://", "https://"))
        ),
        *(
            Warning(f"{name} is not set; requests that need its signature will fail.", id="agentops.W002")
            for name in signed
            if not getattr(settings, name)
        ),
        *(
            Warning(f"{name} is not set; Stripe can't be called, or its webhooks are refused.", id="agentops.W003")
            for name in stripe
            if not getattr(settings, name)
        ),
    ]


@register()
def language_model(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.LLM_MAX_TOKENS_NAME not in MAX_TOKENS_NAMES:
        valid = ", ".join(MAX_TOKENS_NAMES)
        found.append(Error(f"LLM_MAX_TOKENS_NAME is {settings.LLM_MAX_TOKENS_NAME!r}; it must be one of: {valid}."))
    for name in ("LLM_MAX_TOKENS", "LLM_BREAKER_FAILURES"):
        if getattr(settings, name) < 1:
            found.append(Error(f"{name} is {getattr(settings, name)}; it must be at least 1."))
    return found


@register()
def leases(**_: Any) -> list[CheckMessage]:
    """Limit the leases, and an action's to the quiet period before a look-up.

    They are renewed while a call is under way, so calls may take longer than a lease lasts. But a request is sent
    within its lease: with a longer one it could arrive after the look-up that found nothing.
    """
    longest = lookup.QUIET_SECONDS
    found: list[CheckMessage] = []
    if not 1 <= settings.ACTION_LEASE_SECONDS <= longest:
        found.append(Error(f"ACTION_LEASE_SECONDS is {settings.ACTION_LEASE_SECONDS}; it must be from 1 to {longest}."))
    if settings.RUN_LEASE_SECONDS < 1:
        found.append(Error(f"RUN_LEASE_SECONDS is {settings.RUN_LEASE_SECONDS}; it must be at least 1."))
    return found


@register()
def times(**_: Any) -> list[CheckMessage]:
    """Check the timeouts and pauses, and those that must not exceed one another."""
    found: list[CheckMessage] = [
        Error(f"{name} is {getattr(settings, name):g}; it must be more than 0.")
        for name in ("PROVIDER_TIMEOUT_SECONDS", "LLM_TIMEOUT_SECONDS", "SWEEP_SECONDS")
        if not 0 < getattr(settings, name) < math.inf
    ]
    if not 0 <= settings.RETRY_BASE_SECONDS < math.inf:
        found.append(Error(f"RETRY_BASE_SECONDS is {settings.RETRY_BASE_SECONDS:g}; it must be at least 0."))
    # Until a look-up can prove that nothing happened, the provider must still know the key.
    quiet = lookup.QUIET_SECONDS + settings.PROVIDER_TIMEOUT_SECONDS
    if quiet > settings.RETRY_HORIZON_SECONDS:
        found.append(
            Error(
                f"RETRY_HORIZON_SECONDS is {settings.RETRY_HORIZON_SECONDS}; it must be at least {quiet:g}, which is "
                f"{lookup.QUIET_SECONDS} more than PROVIDER_TIMEOUT_SECONDS: a request may still arrive until then."
            )
        )
    return found


@register()
def connections(**_: Any) -> list[CheckMessage]:
    """Check that the sweep never waits for a connection: each of its threads, its round and the renewal of leases may
    need one at once. Threads that wait for an outside system need none."""
    pool, needed = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"], sweep.CONNECTIONS
    if pool >= needed:
        return []
    return [Error(f"DATABASE_POOL is {pool}; the sweep of a worker alone needs {needed} connections.")]


@register()
def traces(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    endpoint, protocol = settings.OTEL_EXPORTER_OTLP_ENDPOINT, os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    if endpoint and not endpoint.startswith(("http://", "https://")):
        found.append(Error(f"OTEL_EXPORTER_OTLP_ENDPOINT is {endpoint!r}; it must be like http://localhost:4318."))
    if endpoint and protocol not in ("", "http/protobuf"):
        found.append(Error(f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}; only http/protobuf is supported."))
    return found


@register()
def secrets(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for name in ("INTAKE_SIGNING_SECRET", "REPLIES_SIGNING_SECRET"):
        try:
            if getattr(settings, name):
                Webhook(getattr(settings, name))
        except (EmptyWebhookSecretError, ValueError):
            found.append(Error(f"{name} must be `whsec_` followed by base64."))
    return found
