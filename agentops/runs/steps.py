"""Carry out one step of each kind: call the language model, or run a read-only tool.

Each function fills in the given step; the engine records it. A ProviderError means that the step is not done.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from agentops.lib import redact
from agentops.lib.errors import Refused
from agentops.lib.money import display
from agentops.llm import budgets, client, pricelist, prices
from agentops.models import Run, Step, StoredText
from agentops.runs import prompts, routing, routing_versions, tools, turn
from approvals import states
from approvals.effects.kinds import KINDS
from approvals.models import Action
from tickets.models import Message, Ticket


@dataclass(frozen=True)
class World:
    """The sources of a step's answers, and the texts given to the model.

    Runs use the real world; replays use a recording, in whole or in part. `ask` is called like client.complete, `read`
    like tools.run_read.
    """

    ask: Callable[..., client.ModelAnswer] = client.complete
    read: Callable[[str, Any, Ticket], dict[str, Any]] = tools.run_read
    triage_prompt: str = prompts.TRIAGE_PROMPT
    prompt: str = prompts.AGENT_PROMPT
    tools: list[dict[str, Any]] | None = None  # those of `tools.specifications`, unless given


REAL = World()
_TOKEN_FIELDS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")


def to_recorded(step: Step) -> turn.Recorded:
    """Return the step as `next_step` sees it."""
    routed = step.input.get("route", {})
    return turn.Recorded(
        index=step.index,
        kind=step.kind,
        status=step.status,
        output=step.output,
        call_id=step.input.get("call_id", ""),
        name=step.name,
        action_id=step.action_id,
        action_status=step.action.status if step.action else "",
        error_code=step.error_code,
        error_class=step.error_class,
        reasons=tuple(reason["code"] for reason in step.action.reasons) if step.action else (),
        waited=step.waited_for_person,
        routed=routed.get("code", ""),
        why=routed.get("why", ""),
    )


def start_triage(run: Run, world: World = REAL) -> Step:
    """Create the triage step. Its input keeps what was known of the ticket's actions and answers when the run
    started."""
    answers = Message.objects.filter(ticket=run.ticket, direction=Message.Direction.OUTBOUND)
    answered = answers.order_by("-pk").values_list("pk", flat=True).first()
    return restart_triage(run, {"brief": _brief(run), "answered_through": answered or 0}, world)


def restart_triage(run: Run, known: dict[str, Any], world: World) -> Step:
    """Create the triage step from the input of an earlier one, `known`."""
    given = {name: known[name] for name in ("brief", "answered_through")}
    given |= {"route": asdict(routing.FIRST), "prompt": store_text(world.triage_prompt)}
    given |= {"messages": turn.json_digest(_triage_messages(run, given, world))}
    return Step(run=run, index=0, kind=turn.TRIAGE, name=settings.LLM_TRIAGE_MODEL, input=given)


def start_llm(run: Run, done: list[Step], world: World = REAL) -> Step:
    """Create the step that calls the routed model. Admission may choose another model, and records why."""
    route = routing.choose_route([to_recorded(step) for step in done], routing_versions.rules_in_force())
    run.route = route.code
    model = settings.LLM_EXPERT_MODEL if route.tier == "expert" else settings.LLM_TRIAGE_MODEL
    sent = _messages(run, done, world.prompt)
    given = {
        "route": asdict(route),
        "model": model,
        "prompt": store_text(world.prompt),
        "tools": store_text(json.dumps(_tools(world), sort_keys=True)),
        "messages": turn.json_digest(sent),
    }
    step = Step(run=run, index=len(done), kind=turn.LLM, name=model, input=given)
    step.sent = sent
    return step


def request(run: Run, step: Step, done: list[Step], world: World = REAL) -> dict[str, Any]:
    """Return the keyword arguments of client.complete for this step, except the model."""
    if step.kind == turn.LLM:
        return {"messages": step.sent or _messages(run, done, world.prompt), "tools": _tools(world)}
    shape = {"name": "triage", "schema": turn.Triage.model_json_schema()}
    return {
        "messages": _triage_messages(run, step.input, world),
        "response_format": {"type": "json_schema", "json_schema": shape},
    }


def _tools(world: World) -> list[dict[str, Any]]:
    return tools.specifications() if world.tools is None else world.tools


def start_tool(run: Run, done: list[Step], call: turn.RunTool) -> Step:
    given = {"call_id": call.call_id, "tool": call.name, "arguments": call.arguments}
    return Step(run=run, index=len(done), kind=turn.TOOL, name=call.name[:100], input=given)


def skip_call(run: Run, done: list[Step], skip: turn.SkipCall) -> Step:
    """Create the finished step of a call that is not made."""
    step = start_tool(run, done, skip.call)
    step.started_at = Now()
    end_not_done(step, skip.why)
    return step


def sent_messages(run: Run, steps: list[Step], index: int, prompt: str = "") -> list[dict[str, Any]]:
    """Return the exact messages of the llm step at `index`, rebuilt from the steps before it and its prompt."""
    return _messages(run, [step for step in steps if step.index < index], prompt or prompts.AGENT_PROMPT)


def do_triage(run: Run, step: Step, world: World = REAL) -> None:
    answer = _ask(run, step, [], world)
    _take(step, answer)
    try:
        triage = turn.Triage.model_validate_json(answer.output["content"] or "")
    # The triage only guides the routing, so an unreadable one doesn't end the run; its defaults mean "ambiguous".
    except ValueError as error:
        triage = turn.Triage(summary="The triage response couldn't be read.")
        step.error_code, step.error_class = "unreadable_triage", "terminal"
        step.error_message = redact.text(str(error))[:1000]
    run.triage = redact.data(triage.model_dump())
    step.output = {**answer.output, "triage": run.triage}


def do_llm(run: Run, step: Step, done: list[Step], world: World = REAL) -> None:
    _take(step, _ask(run, step, done, world))
    run.turns += 1
    run.llm_model = step.name


def _ask(run: Run, step: Step, done: list[Step], world: World) -> client.ModelAnswer:
    """Make the admitted call. A call without admission is answered from a recording and costs nothing."""
    if step.call is None:
        return world.ask(model=step.name, **request(run, step, done, world))
    return world.ask(model=step.name, provider=step.call.target.provider, **step.call.request)


def do_read(run: Run, step: Step, world: World = REAL) -> None:
    """Run a read-only tool. Raises ProviderError; a mistake of the model becomes the step's result."""
    try:
        if step.name == tools.HAND_OVER:
            output = tools.run_hand_over(arguments(step))
        else:
            output = world.read(step.name, arguments(step), run.ticket)
    except Refused as refused:
        refuse(step, refused)
        return
    finish(step, redact.data(output))


def arguments(step: Step) -> Any:
    """Parse the arguments as the model wrote them. Raises Refused."""
    name, text = step.name, step.input["arguments"]
    if name not in tools.tool_names():
        raise Refused("unknown_tool", f"There is no tool {name!r}.", valid=list(tools.tool_names()))
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # RecursionError: deeply nested text
        raise Refused("invalid_arguments", f"The arguments are not JSON: {error}.", valid="one JSON object") from None


def finish(step: Step, output: Any) -> None:
    step.output = output
    step.status = Step.Status.DONE
    step.finished_at = Now()


def finish_action(step: Step, status: str, output: dict[str, Any], error_class: str) -> None:
    """End the step of an action that has settled, with the result for the model (tools.action_result).

    The error class is the action's own if its provider failed, or `action` if people or the policy decided.
    """
    if status == states.SUCCEEDED:
        return finish(step, output)
    failed = error_class if status == states.FAILED else ""
    fail(step, {"code": status, "message": output["message"]}, failed or "action")
    step.output = output
    return None


def refuse(step: Step, refused: Refused) -> None:
    """End the step with the model's mistake as a structured error that it can act on."""
    fail(step, redact.data(refused.as_dict()), "refused")


def end_not_done(step: Step, why: str) -> None:
    """End the step of a call that is not made because of an action's outcome, which is no mistake of the model."""
    fail(step, {"code": turn.NOT_DONE, "message": why}, "action")


def fail(step: Step, error: dict[str, Any], error_class: str) -> None:
    step.output = {"error": error}
    step.error_code, step.error_class = error["code"][:60], error_class
    step.error_message = str(error["message"])[:1000]
    step.status = Step.Status.FAILED
    step.finished_at = Now()


def _take(step: Step, answer: client.ModelAnswer) -> None:
    counts = {name: getattr(answer, name) for name in _TOKEN_FIELDS}
    for name, value in (("reasoning", answer.reasoning), *counts.items()):
        setattr(step, name, value)
    step.raw_response = answer.raw
    if not answer.metered:  # its usage is unknown and may be anything up to the reservation
        budgets.book_lost(step)
        return finish(step, answer.output)
    tokens = answer.input_tokens + answer.output_tokens
    cost = prices.cost(step.call.price if step.call else pricelist.price_in_force(step.name), **counts)
    step.cost_usd += cost
    step.run.tokens += tokens
    step.run.cost_usd += cost
    budgets.book(step, cost, tokens)
    return finish(step, answer.output)


def _triage_messages(run: Run, known: dict[str, Any], world: World) -> list[dict[str, str]]:
    return [{"role": "system", "content": world.triage_prompt}, *_conversation(run, {**known, "brief": ""})]


def _messages(run: Run, done: list[Step], prompt: str) -> list[dict[str, Any]]:
    return turn.request_messages(prompt, _conversation(run, done[0].input), [to_recorded(step) for step in done])


def _conversation(run: Run, known: dict[str, Any]) -> list[dict[str, str]]:
    """Return the ticket's messages that this run knows.

    `known` is the run's first input. The messages are in the order in which they were received, which may differ from
    their arrival. The first one of the customer is preceded by the ticket's header. Those from the first that this run
    is about come last, even if an answer to an earlier one was sent after they arrived.
    """
    ticket = run.ticket
    # Up to what was known at the start: the messages of a resumed run must not change under it.
    answered = Q(direction=Message.Direction.OUTBOUND, pk__lte=known["answered_through"])
    inbound = Q(direction=Message.Direction.INBOUND, pk__lte=run.through_message)
    rows = list(Message.objects.filter(answered | inbound, ticket=ticket))
    earlier = Run.objects.filter(ticket=ticket, through_message__lt=run.through_message).order_by("-number")
    before = earlier.values_list("through_message", flat=True).first() or 0
    told = [row for row in rows if row.direction == Message.Direction.INBOUND]
    first_new = next((place for place, row in enumerate(told) if row.pk > before), len(told))
    last = {row.pk for row in told[first_new:]}
    rows.sort(key=lambda row: row.pk in last)
    roles = {Message.Direction.INBOUND: "user", Message.Direction.OUTBOUND: "assistant"}
    messages = [{"role": roles[Message.Direction(row.direction)], "content": row.marked()} for row in rows]
    customer = ticket.customer
    first = next(message for message in messages if message["role"] == "user")
    first["content"] = (
        f"Ticket {ticket.pk} from {customer.name or 'a customer'} <{customer.email}>\n"
        f"Subject: {ticket.subject}\n\n{first['content']}"
    )
    # The brief has the system role: a customer can write the same words, but not with that role.
    return [*messages, {"role": "system", "content": known["brief"]}] if known.get("brief") else messages


def _brief(run: Run) -> str:
    """Summarize the ticket's earlier actions for a run that isn't the first, and the replies that wait for a person."""
    waiting_reply = Q(status=states.AWAITING_APPROVAL, run_id__isnull=False)
    earlier = Action.objects.filter(Q(kind__in=KINDS.effects) | waiting_reply, ticket=run.ticket).order_by("pk")
    lines = [f"- {action.kind}{_of(action)} {action.target}: {_status(action)}" for action in earlier]
    return "\n".join(["[From the system, not the customer] Actions on this ticket so far:", *lines]) if lines else ""


def _of(action: Action) -> str:
    return f" of {display(action.amount, action.currency)} for" if action.amount is not None else ""


def _status(action: Action) -> str:
    waits = ", no person has decided yet" if action.status == states.AWAITING_APPROVAL else ""
    return f"{action.status}{waits} ({action.idempotency_key})"


def store_text(text: str) -> str:
    """Store a large text once, and return its digest."""
    digest = turn.json_digest(text)
    if digest not in _stored:
        # Another worker may store the same text at the same moment.
        StoredText.objects.bulk_create([StoredText(digest=digest, body=text)], ignore_conflicts=True)
        _stored.add(digest)
    return digest


_stored: set[str] = set()  # by this process; every turn refers to the same few texts
