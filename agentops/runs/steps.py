"""How each kind of step is done: the language model is asked, a tool is read. Each fills the step that it is given;
recording it is the engine's. A ProviderError means: not done."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
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
from approvals.models import Action
from tickets.models import Message, Ticket


@dataclass(frozen=True)
class World:
    """Where a step's answers come from, and the texts that the model is given: the world itself for a run, for a
    replay (in part) a record of it. `ask` is as llm.complete, `read` as tools.read."""

    ask: Callable[..., client.ModelAnswer] = client.complete
    read: Callable[[str, Any, Ticket], dict[str, Any]] = tools.read
    triage_prompt: str = prompts.TRIAGE
    prompt: str = prompts.AGENT
    tools: list[dict[str, Any]] = field(default_factory=tools.specifications)


REAL = World()
COUNTS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")


def recorded(step: Step) -> turn.Recorded:
    """The step as the decider sees it."""
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
        routed=routed.get("code", ""),
        why=routed.get("why", ""),
    )


def first(run: Run, world: World = REAL) -> Step:
    """The triage step; its input keeps what was known of the ticket's actions and answers when the run began."""
    answers = Message.objects.filter(ticket=run.ticket, direction=Message.Direction.OUTBOUND)
    answered = answers.order_by("-pk").values_list("pk", flat=True).first()
    return again_first(run, {"brief": _brief(run), "answered_through": answered or 0}, world)


def again_first(run: Run, known: dict[str, Any], world: World) -> Step:
    """The triage step, where what was known when the run began is on record (`known` is a first step's input)."""
    given = {name: known[name] for name in ("brief", "answered_through")}
    given |= {"route": asdict(routing.FIRST), "prompt": stored(world.triage_prompt)}
    given |= {"messages": turn.digest(_triage_messages(run, given, world))}
    return Step(run=run, index=0, kind=turn.TRIAGE, name=settings.LLM_TRIAGE_MODEL, input=given)


def start_llm(run: Run, done: list[Step], world: World = REAL) -> Step:
    """The step that asks the model of the route; admission may let another take it, and says why."""
    route = routing.route([recorded(step) for step in done], routing_versions.in_force())
    run.route = route.code
    model = settings.LLM_EXPERT_MODEL if route.tier == "expert" else settings.LLM_TRIAGE_MODEL
    sent = _messages(run, done, world.prompt)
    given = {
        "route": asdict(route),
        "model": model,
        "prompt": stored(world.prompt),
        "tools": stored(json.dumps(world.tools, sort_keys=True)),
        "messages": turn.digest(sent),
    }
    step = Step(run=run, index=len(done), kind=turn.LLM, name=model, input=given)
    step.sent = sent
    return step


def request(run: Run, step: Step, done: list[Step], world: World = REAL) -> dict[str, Any]:
    """What llm.complete is given for this step, the model apart."""
    if step.kind == turn.LLM:
        return {"messages": step.sent or _messages(run, done, world.prompt), "tools": world.tools}
    shape = {"name": "triage", "schema": turn.Triage.model_json_schema()}
    return {
        "messages": _triage_messages(run, step.input, world),
        "response_format": {"type": "json_schema", "json_schema": shape},
    }


def start_tool(run: Run, done: list[Step], call: turn.RunTool) -> Step:
    given = {"call_id": call.call_id, "tool": call.name, "arguments": call.arguments}
    return Step(run=run, index=len(done), kind=turn.TOOL, name=call.name[:100], input=given)


def sent_messages(run: Run, steps: list[Step], index: int, prompt: str = "") -> list[dict[str, Any]]:
    """The exact messages of the llm step at `index`, made again from what is recorded before it and its prompt."""
    return _messages(run, [step for step in steps if step.index < index], prompt or prompts.AGENT)


def do_triage(run: Run, step: Step, world: World = REAL) -> None:
    answer = _ask(run, step, [], world)
    _take(step, answer)
    try:
        triage = turn.Triage.model_validate_json(answer.output["content"] or "")
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
    """The call that was let through, or one that is answered from a record, which costs nothing."""
    if step.call is None:
        return world.ask(model=step.name, **request(run, step, done, world))
    return world.ask(model=step.name, provider=step.call.target.provider, **step.call.request)


def do_read(run: Run, step: Step, world: World = REAL) -> None:
    """A tool without an effect. Raises ProviderError; what the model got wrong is the step's answer."""
    try:
        if step.name == tools.HAND_OVER:
            output = tools.hand_over(arguments(step))
        else:
            output = world.read(step.name, arguments(step), run.ticket)
    except Refused as refused:
        refuse(step, refused)
        return
    finish(step, redact.data(output))


def arguments(step: Step) -> Any:
    """The arguments as the model wrote them, read. Raises Refused."""
    name, text = step.name, step.input["arguments"]
    if name not in tools.NAMES:
        raise Refused("unknown_tool", f"There is no tool {name!r}.", valid=list(tools.NAMES))
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # the second of a text that nests without end
        raise Refused("invalid_arguments", f"The arguments are not JSON: {error}.", valid="one JSON object") from None


def finish(step: Step, output: Any) -> None:
    step.output = output
    step.status = Step.Status.DONE
    step.finished_at = Now()


def tell(step: Step, status: str, output: dict[str, Any], error_class: str) -> None:
    """Ends the step of an action that ended in this status, with what the model is told of it (tools.told). The class
    is the action's own where its provider failed; `action` where people or the policy decided."""
    if status == states.SUCCEEDED:
        return finish(step, output)
    failed = error_class if status == states.FAILED else ""
    fail(step, {"code": status, "message": output["message"]}, failed or "action")
    step.output = output
    return None


def refuse(step: Step, refused: Refused) -> None:
    """The model's mistake, as a structured error that it can reason about."""
    fail(step, redact.data(refused.as_dict()), "refused")


def fail(step: Step, error: dict[str, Any], error_class: str) -> None:
    step.output = {"error": error}
    step.error_code, step.error_class = error["code"][:60], error_class
    step.error_message = str(error["message"])[:1000]
    step.status = Step.Status.FAILED
    step.finished_at = Now()


def _take(step: Step, answer: client.ModelAnswer) -> None:
    counts = {name: getattr(answer, name) for name in COUNTS}
    for name, value in (("reasoning", answer.reasoning), *counts.items()):
        setattr(step, name, value)
    step.raw_response = answer.raw
    if not answer.metered:  # what it took is not told, and may be anything up to what was reserved
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
    return turn.messages(prompt, _conversation(run, done[0].input), [recorded(step) for step in done])


def _conversation(run: Run, known: dict[str, Any]) -> list[dict[str, str]]:
    """The ticket's messages that this run knows (`known` is its first step's input); the customer's first bears the
    ticket's head. What this run is about comes last, even where an answer to something earlier left after it came in.
    """
    ticket = run.ticket
    answered = Q(direction=Message.Direction.OUTBOUND, pk__lte=known["answered_through"])
    inbound = Q(direction=Message.Direction.INBOUND, pk__lte=run.through_message)
    rows = list(Message.objects.filter(answered | inbound, ticket=ticket).order_by("pk"))
    earlier = Run.objects.filter(ticket=ticket, through_message__lt=run.through_message).order_by("-number")
    before = earlier.values_list("through_message", flat=True).first()
    rows.sort(key=lambda row: row.direction == Message.Direction.INBOUND and row.pk > (before or 0))
    roles = {Message.Direction.INBOUND: "user", Message.Direction.OUTBOUND: "assistant"}
    said = [{"role": roles[Message.Direction(row.direction)], "content": row.body} for row in rows]
    customer = ticket.customer
    first = next(message for message in said if message["role"] == "user")
    first["content"] = (
        f"Ticket {ticket.pk} from {customer.name or 'a customer'} <{customer.email}>\n"
        f"Subject: {ticket.subject}\n\n{first['content']}"
    )
    # In the system's role: a customer can write these very words, but not in it.
    return [*said, {"role": "system", "content": known["brief"]}] if known.get("brief") else said


def _brief(run: Run) -> str:
    """What has become of the ticket's earlier actions, for a run that is not the first."""
    earlier = Action.objects.filter(ticket=run.ticket).exclude(kind="reply").order_by("pk")
    lines = [
        f"- {action.kind}{_of(action)} {action.target}: {action.status} ({action.idempotency_key})"
        for action in earlier
    ]
    return "\n".join(["[From the system, not the customer] Actions on this ticket so far:", *lines]) if lines else ""


def _of(action: Action) -> str:
    return f" of {display(action.amount, action.currency)} for" if action.amount is not None else ""


def stored(text: str) -> str:
    """Keeps a large text once; answers its digest."""
    digest = turn.digest(text)
    if digest not in _known:
        StoredText.objects.bulk_create([StoredText(digest=digest, body=text)], ignore_conflicts=True)
        _known.add(digest)
    return digest


_known: set[str] = set()
