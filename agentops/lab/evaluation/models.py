"""Which model answers in an evaluation."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from agentops.lib import redact
from agentops.lib.errors import ProviderError
from agentops.llm import client

SCRIPTED, OBEDIENT = "scripted", "obedient"


class NoModel(Exception):
    """The chosen model is not available. Its text says what is missing."""


@dataclass(frozen=True)
class Chosen:
    """`misbehaviour` configures the simulated model; `settings` are passed to the workers."""

    name: str
    misbehaviour: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    def faults(self) -> dict[str, Any]:
        """Return the table for the simulator's --faults: no faults except the model's."""
        return {"endpoints": {}, "model": dict(self.misbehaviour)}


def choose(name: str) -> Chosen:
    """Choose a model by name. `scripted` and `obedient` belong to the simulator, and cost what the configured models
    would. Any other name is a model of the server at OPENAI_BASE_URL. A test call reports a wrong name, key or
    address before a world is started. Raises NoModel."""
    if name == SCRIPTED:
        return Chosen(name)
    if name == OBEDIENT:
        return Chosen(name, {"obey_everything": 1.0})
    if not (settings.OPENAI_BASE_URL or settings.OPENAI_API_KEY):
        raise NoModel(
            f"--llm-model {name} needs a server: set OPENAI_BASE_URL (and OPENAI_API_KEY). "
            f"Without a server, use {SCRIPTED} or {OBEDIENT}."
        )
    if name not in settings.LLM_PRICES:
        priced = ", ".join(sorted(settings.LLM_PRICES)) or "none"
        raise NoModel(f"{name} has no price. Add one to LLM_PRICES, per million tokens. Models with a price: {priced}.")
    try:
        client.complete(model=name, messages=[{"role": "user", "content": "Answer with the word: ready"}])
    except ProviderError as error:
        answer = redact.text(f"{error.code}: {error.message}")[:300]
        raise NoModel(f"{name} does not answer at {client.completions_url()}, so nothing was run. {answer}") from None
    given = {
        "OPENAI_BASE_URL": os.environ.get("OPENAI_BASE_URL", ""),
        "OPENAI_API_KEY": settings.OPENAI_API_KEY,
        "LLM_TRIAGE_MODEL": name,
        "LLM_EXPERT_MODEL": name,
        "LLM_TIMEOUT_SECONDS": str(settings.LLM_TIMEOUT_SECONDS),
        "RUN_LEASE_SECONDS": str(settings.RUN_LEASE_SECONDS),
        "RETRY_BASE_SECONDS": str(settings.RETRY_BASE_SECONDS),
    }
    return Chosen(name, settings=given)
