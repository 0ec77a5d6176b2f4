"""The next step of a run, as a pure function of its recorded steps (docs/design.md, 5.9).

The engine loads the steps, calls `next_step`, does that one thing and records it. A recorded answer of the model is
never requested again; a resumed run continues with the first missing step. Pure: no Django, no HTTP.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TRIAGE, LLM, TOOL = "triage", "llm", "tool"
STARTED, WAITING, DONE, FAILED = "started", "waiting", "done", "failed"
MAX_NONSENSE = 5  # unusable answers in a run, before a person takes over
MAX_CALLS = 10  # per answer; further calls are not made
MAX_REJECTED_REPLIES = 2  # per run, then a person takes the ticket
NOT_DONE = "not_done"  # error code of a call that was not made because of what came before it


class Triage(BaseModel):
    """The cheap model's structured answer. An unreadable answer counts as ambiguous, which selects the expert model."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    intent: Literal["refund", "cancel", "account_change", "question", "other"] = "other"
    language: str = Field(default="", max_length=20)
    ambiguous: bool = True
    risk_signs: list[str] = Field(default_factory=list, max_length=20)
    summary: str = Field(default="", max_length=500)


@dataclass(frozen=True)
class Recorded:
    """A step as `next_step` sees it.

    `output` of an llm step: {content, tool_calls: [{id, name, arguments}], finish_reason, refusal}; of a tool step:
    the JSON returned to the model. `call_id` links a tool step to its call. `reasons` are the policy's codes on its
    action. `waited` marks a tool step that waited for a person. `routed` and `why` are the code and reason of the model
    call's routing.Route.
    """

    index: int
    kind: str
    status: str
    output: Any = None
    call_id: str = ""
    name: str = ""
    action_id: int | None = None
    action_status: str = ""
    error_code: str = ""
    error_class: str = ""
    reasons: tuple[str, ...] = ()
    waited: bool = False
    routed: str = ""
    why: str = ""


@dataclass(frozen=True)
class AskTriage:
    pass


@dataclass(frozen=True)
class AskModel:
    number: int


@dataclass(frozen=True)
class RunTool:
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class SkipCall:
    """Record the call as not made, and tell the model why."""

    call: RunTool
    why: str


@dataclass(frozen=True)
class Resume:
    """A step was started but has no recorded result: do it again under the same index."""

    index: int


@dataclass(frozen=True)
class WaitFor:
    index: int
    action_id: int


@dataclass(frozen=True)
class Answered:
    pass


@dataclass(frozen=True)
class HandOver:
    """The run ends with a person. `failed` means that the agent gave up, not that it decided to hand over."""

    reason: str
    failed: bool = False


NextStep = AskTriage | AskModel | RunTool | SkipCall | Resume | WaitFor | Answered | HandOver


def next_step(steps: Sequence[Recorded], *, max_turns: int) -> NextStep:
    """Return the one thing to do now."""
    if not steps:
        return AskTriage()
    unfinished = next((step for step in steps if step.status in (STARTED, WAITING)), None)
    if unfinished and unfinished.action_id is not None:
        return WaitFor(unfinished.index, unfinished.action_id)
    if unfinished:
        return Resume(unfinished.index)
    broken = next((step for step in steps if step.kind == LLM and step.status == FAILED), None)
    if broken:
        return HandOver(f"The model call failed: {broken.error_code}.", failed=True)
    ended = _ended(steps)
    turns = [step for step in steps if step.kind == LLM]
    if turns and (call := _open_call(turns[-1], steps, ended)):
        return call
    if ended:
        return ended
    if len(turns) >= max_turns:
        return HandOver(f"No answer after {max_turns} turns.", failed=True)
    return AskModel(len(turns) + 1)


def _ended(steps: Sequence[Recorded]) -> Answered | HandOver | None:
    for step in steps:
        if step.kind != TOOL:
            continue
        output = step.output or {}
        if step.name == "reply" and step.action_status == "succeeded":
            return Answered()
        if step.name == "reply" and step.action_status in ("failed", "unresolved", "expired", "blocked"):
            return HandOver(f"The reply wasn't delivered ({step.action_status}).")
        if step.name == "hand_over" and step.status == DONE and "error" not in output:
            return HandOver(str(output.get("reason") or "The agent handed this ticket over."))
        if step.action_status == "blocked" and output.get("for_person"):
            return HandOver(str(output["for_person"]))
    rejected = [step for step in steps if step.name == "reply" and step.action_status == "rejected"]
    if len(rejected) >= MAX_REJECTED_REPLIES:
        why = str((rejected[-1].output or {}).get("reason") or "")
        return HandOver(f"{len(rejected)} replies of the agent were rejected. {why}".rstrip())
    if sum(map(_is_nonsense, _answers(steps))) >= MAX_NONSENSE:
        return HandOver(f"The model's response was unusable {MAX_NONSENSE} times.", failed=True)
    return None


def _open_call(turn: Recorded, steps: Sequence[Recorded], ended: NextStep | None) -> RunTool | SkipCall | None:
    """Return the first call of the newest answer that has no step yet. Calls are taken in order, and each leaves one
    step."""
    calls = calls_of(turn.output)
    taken = [step for step in steps if step.kind == TOOL and step.index > turn.index]
    if len(taken) >= len(calls):
        return None
    following = calls[len(taken)]
    call = RunTool(following["id"], following["name"], following["arguments"])
    if ended:
        return SkipCall(call, "Not done: an earlier call of this answer ended the run.")
    if any(step.waited for step in taken):
        return SkipCall(
            call,
            "Not done: an earlier call of this answer had to wait for a person. Its outcome is known "
            "now: propose this again if it is still right.",
        )
    if len(taken) >= MAX_CALLS:
        return SkipCall(call, f"Not done: an answer may have at most {MAX_CALLS} calls. Propose this again.")
    return call


def _answers(steps: Sequence[Recorded]) -> list[Recorded]:
    return [step for step in steps if step.kind in (LLM, TOOL)]


def _is_nonsense(step: Recorded) -> bool:
    """Return whether the answer has no tool call, or the call was unreadable."""
    if step.kind == LLM:
        return not calls_of(step.output or {})
    return step.error_code in ("invalid_arguments", "unknown_tool")


def calls_of(answer: dict[str, Any]) -> list[dict[str, str]]:
    """Return the tool calls of an answer."""
    calls: list[dict[str, str]] = answer.get("tool_calls", [])
    return calls


def complaint(answer: dict[str, Any]) -> str:
    """Return the message that tells the model its answer has no tool call."""
    if answer.get("refusal"):
        return "You refused. Call hand_over with the reason, so that a person takes this ticket."
    if answer.get("finish_reason") == "length":
        return "Your answer was cut off. Answer again, shorter, with one tool call."
    return (
        "Your answer holds no tool call, so the customer received nothing. "
        "Answer with a tool call: reply or hand_over end your work."
    )


def request_messages(
    prompt: str, conversation: Sequence[dict[str, str]], steps: Sequence[Recorded]
) -> list[dict[str, Any]]:
    """Return the messages to send for the turn after `steps`.

    The prompt, the conversation ([{role, content}]), then each recorded answer of the model with its result.
    """
    result: list[dict[str, Any]] = [{"role": "system", "content": prompt}, *conversation]
    for step in steps:
        if step.kind == LLM and step.status == DONE:
            result.append(_assistant(step.output))
            if not calls_of(step.output):
                result.append({"role": "user", "content": complaint(step.output)})
        elif step.kind == TOOL and step.status in (DONE, FAILED):
            # Sorted, because PostgreSQL's JSON keeps no key order: a resumed run must send the same text.
            content = json.dumps(step.output, ensure_ascii=False, sort_keys=True)
            result.append({"role": "tool", "tool_call_id": step.call_id, "content": content})
    return result


def json_digest(value: Any) -> str:
    """Return the SHA-256 digest (hex) of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _assistant(answer: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.get("content") or answer.get("refusal") or ""}
    if calls_of(answer):
        message["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in calls_of(answer)
        ]
    return message
