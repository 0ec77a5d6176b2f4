"""The world that each replay mode gives to the steps, and the requests that it allows."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings

from agentops.lib.outbound import Allowed
from agentops.llm import client
from agentops.models import Replay, Step, StoredText
from agentops.replays.recording import NotRecorded, Recording, call_key
from agentops.runs import prompts, tools, turn
from agentops.runs.steps import REAL, World
from tickets.models import Ticket


class RecordedResult(Exception):
    """The step's result is copied from this recorded step."""

    def __init__(self, step: Step) -> None:
        super().__init__(f"Recorded step {step.index}")
        self.step = step


class RecordingEnded(Exception):
    """The recorded run made no further model call."""


def allowed(mode: str) -> tuple[Allowed, ...]:
    """Return the allowed requests: none, the model only, or the model and reads of the shop. No mode allows a write."""
    model = Allowed("POST", client.completions_url())
    shop = settings.ORDERS_URL.rstrip("/")
    reads = tuple(Allowed("GET", f"{shop}/{name}") for name in ("orders", "customers"))
    match mode:
        case Replay.Mode.RECORDED:
            return ()
        case Replay.Mode.MODEL:
            return (model,)
        case _:
            return (model, *reads)


def world_for(replay: Replay, recording: Recording, done: Sequence[Step]) -> World:
    """Return the world of the replay's next step."""
    if replay.mode == Replay.Mode.RECORDED:
        return _recorded(recording, done)
    prompt = StoredText.objects.get(digest=replay.prompt).body if replay.prompt else prompts.AGENT_PROMPT
    world = replace(REAL, prompt=prompt)
    if replay.mode == Replay.Mode.MODEL:
        return replace(world, read=_reads(recording, done))
    return world


def _recorded(recording: Recording, done: Sequence[Step]) -> World:
    """Return the world as recorded: the model's answer at this place, and tools by name and arguments."""
    number = sum(step.kind == turn.LLM for step in done)
    then = recording.turn(number) if done else recording.triage

    def ask(**_request: Any) -> client.ModelAnswer:
        if then is None:
            raise RecordingEnded
        if then.status == turn.FAILED:
            raise RecordedResult(then)
        output = {name: value for name, value in (then.output or {}).items() if name != "triage"}
        tokens = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
        counted = {name: getattr(then, name) for name in tokens}
        return client.ModelAnswer(output, then.reasoning, "", then.name, **counted)

    def text(name: str, otherwise: str) -> str:
        return recording.texts.get(then.input.get(name, ""), otherwise) if then else otherwise

    tool_list = text("tools", "") if done else ""
    return World(
        ask=ask,
        read=_reads(recording, done),
        triage_prompt=prompts.TRIAGE_PROMPT if done else text("prompt", prompts.TRIAGE_PROMPT),
        prompt=text("prompt", prompts.AGENT_PROMPT) if done else prompts.AGENT_PROMPT,
        tools=json.loads(tool_list) if tool_list else tools.specifications(),
    )


def _reads(recording: Recording, done: Sequence[Step]) -> Any:
    """Return a reader that answers from recorded calls by tool and arguments.

    Calls beyond the recorded ones get the last result. An order that was read by another call is answered from that.
    """

    def read(name: str, arguments: Any, ticket: Ticket) -> dict[str, Any]:
        given = tools.parse_read(name, arguments)
        text = json.dumps(arguments)
        then = recording.call(name, text, count_calls(done, call_key(name, text)))
        if then is not None and then.status == turn.FAILED:
            raise RecordedResult(then)
        if then is not None:
            return dict(then.output or {})
        recorded = recording.orders.get(str(getattr(given, "order_id", "")).lstrip("#"))
        if recorded is None:
            raise NotRecorded(f"{name} {text}")
        order, refundable = recorded
        return {**order.model_dump(mode="json"), "refundable": refundable}

    return read


def count_calls(done: Sequence[Step], key: str) -> int:
    """Count the calls with this key that the replay has made."""
    return sum(step.kind == turn.TOOL and call_key(step.name, str(step.input["arguments"])) == key for step in done)
