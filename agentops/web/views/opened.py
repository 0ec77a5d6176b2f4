"""The step that a run's page shows in full, beside the waterfall."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentops.models import Run, Step
from agentops.runs import steps, turn
from agentops.trace import Span
from agentops.web.queries import runs


@dataclass(frozen=True)
class Opened:
    """A step with its spans and neighbours. `messages` is the list that was sent to the model.

    It is rebuilt from recorded steps; `exact` says whether it has the digest recorded when it was sent.
    """

    step: Step
    span: Span
    beneath: list[Span]
    previous: int | None
    following: int | None
    messages: list[dict[str, Any]]
    exact: bool
    texts: dict[str, str]


def opened(run: Run, index: int, spans: Sequence[Span]) -> Opened | None:
    """Return a step of a run loaded by `find_run`, or None if there is no such step."""
    all_steps = list(run.steps.all())
    position = next((place for place, step in enumerate(all_steps) if step.index == index), None)
    if position is None:
        return None
    step = all_steps[position]
    of_step = [span for span in spans if span.step_index == index]
    digests = [str(step.input.get(name, "")) for name in ("prompt", "tools")]
    texts = runs.stored_texts(digests)
    prompt = texts.get(digests[0], "")
    sent = steps.sent_messages(run, all_steps, index, prompt) if step.kind == Step.Kind.LLM else []
    return Opened(
        step=step,
        span=of_step[0],
        beneath=of_step[1:],
        previous=all_steps[position - 1].index if position else None,
        following=all_steps[position + 1].index if position + 1 < len(all_steps) else None,
        messages=sent,
        exact=bool(sent) and turn.json_digest(sent) == step.input.get("messages"),
        texts={name: texts.get(digest, "") for name, digest in zip(("prompt", "tools"), digests, strict=True)},
    )
