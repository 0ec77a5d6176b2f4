"""What a competent agent does next, from the transcript alone."""

from dataclasses import dataclass
from typing import Any

from . import phrases, words
from .effects import Effect, Remark, account_effect, effects_of, pursue
from .languages import READ
from .looking import Findings, GiveUp, Next, ToolCall, look, of_customer, referenced
from .phrases import Kind
from .reading import Wish, understand
from .targets import Order, Target, Unclear, choose_orders, named_items
from .transcript import Call, Case

MOST_CALLS = 14
MOST_EFFECTS = 4
ACTING: tuple[Kind, ...] = ("cancel", "refund")


@dataclass(frozen=True)
class Move:
    """An answer of the model: calls, or text that ends the turn."""

    reasoning: str
    calls: tuple[ToolCall, ...] = ()
    content: str = ""


def decide(case: Case) -> Move:
    """Return the next move of an agent that makes no mistakes."""
    if _over(case):
        return Move("The customer has been answered, there is nothing left to do.", content="Done.")
    wish = wish_of(case)
    try:
        return _act(case, wish)
    except Next as needed:
        return Move(needed.reasoning, (needed.call,))
    except GiveUp as reason:
        return hand_over(str(reason))


def wish_of(case: Case) -> Wish:
    """Return what the customer wants now. A short answer to our question is read together with the earlier request."""
    wish = understand("" if case.earlier else case.subject, case.wishes, case.email)
    if not case.earlier:
        return wish
    before = understand(case.subject, case.earlier, case.email)
    if not wish.parts and wish.account is None and not wish.says(phrases.THANKS):
        together = understand(case.subject, [*case.earlier, *case.wishes], case.email)
        if wish.references:
            together.order_ids, together.tracking_numbers = wish.order_ids, wish.tracking_numbers
            together.called_orders = wish.called_orders
            for part in together.parts.values():
                part.order_ids = list(wish.order_ids)
        return together
    if not wish.references:
        wish.order_ids, wish.tracking_numbers = before.order_ids, before.tracking_numbers
        wish.called_orders = before.called_orders
    return wish


def hand_over(reason: str) -> Move:
    return Move(f"This should go to a person. {reason}", (ToolCall("hand_over", {"reason": reason}),))


def _over(case: Case) -> bool:
    for call in case.calls:
        if call.name == "hand_over" and call.result is not None and not call.error:
            return True
    return any(call.name == "reply" and call.status == "succeeded" for call in case.calls)


def _act(case: Case, wish: Wish) -> Move:
    if len(case.calls) >= MOST_CALLS:
        raise GiveUp("I have tried many times and get no further.")
    urgent = _for_a_person(wish)
    if urgent:
        raise GiveUp(urgent)
    draft = words.Draft(case.first_name)
    if case.undecided and case.wishes and phrases.WITHDRAWN.search(case.wishes[-1].lower()):
        return _take_back(case, draft)
    if not wish.parts and wish.account is None and wish.says(phrases.THANKS):
        draft.say("You are very welcome. Write again whenever there is something we can help with.")
        return _reply(case, draft, "The customer only says thank you.")
    _serve_orders(case, wish, draft)
    if wish.account is not None:
        _change_account(case, wish, draft)  # last: it always waits for a person
    return _reply(case, draft, draft.purpose)


def _take_back(case: Case, draft: words.Draft) -> Move:
    """Withdraw every action that still waits for a person, then say so."""
    for key in case.undecided:
        made = case.calls_of("withdraw", action=key)
        if not made:
            reason = "The customer writes that they no longer want it."
            raise Next("withdraw", {"action": key, "reason": reason}, reason)
        if made[-1].error:
            raise GiveUp("The customer no longer wants this, but I could not withdraw it.")
    draft.say("We have noted that you no longer want this, and have closed your request.")
    return _reply(case, draft, "The customer takes the request back.")


def _for_a_person(wish: Wish) -> str:
    """Return why an agent should not handle this at all, or nothing."""
    if wish.language not in READ:
        return f"The message is in a language that I may misunderstand (it looks like {wish.language!r})."
    if wish.says(phrases.LEGAL):
        return "The customer threatens legal action."
    if phrases.HUMAN.search(wish.plain):
        return "The customer asks for a person."
    if "change" in wish.parts:
        return "The customer wants to change an order that is placed already; I have no tool for that."
    if wish.injection and not wish.parts and wish.account is None:
        return "The message tries to give me instructions and holds no request of a customer."
    return ""


def _change_account(case: Case, wish: Wish, draft: words.Draft) -> None:
    if wish.account is None:
        return
    if not wish.account.changes:
        draft.ask(f"What should the new {wish.account.missing} be?")
        return
    look(case, "get_customer", {}, "I look at the account as it is before I change it.")
    effect = account_effect(wish.account.changes)
    draft.tell(effect, _settled(pursue(case, effect, further=False)))


def _serve_orders(case: Case, wish: Wish, draft: words.Draft) -> None:
    if not wish.parts and not wish.references:
        if wish.account is None:
            draft.ask("What can we do for you, and which order is it about? The number begins with #W.")
        return
    findings = referenced(case, wish)
    if wish.references and not findings.orders:
        draft.not_found(findings)
        return
    try:
        entries = effects_of(case, wish, _targets(case, wish, findings))
    except Unclear as question:
        draft.ask(str(question))
        entries = list[Effect | Remark]()
    _carry_out(case, entries, draft)
    if "exchange" in wish.parts:
        draft.exchange()
    if "status" in wish.parts or not wish.parts:
        concerned = findings.orders or [entry.order for entry in entries if entry.order]
        _tell_status(case, wish, concerned, draft)


def _targets(case: Case, wish: Wish, findings: Findings) -> dict[str, list[Target]]:
    """Return the orders that each kind of request is about. Raises Unclear or Next."""
    targets: dict[str, list[Target]] = {}
    for kind in ACTING:
        part = wish.parts.get(kind)
        if part is None:
            continue
        known = {order["order_id"]: order for order in findings.orders}
        claimed = {order_id for other, held in wish.parts.items() if other != kind for order_id in held.order_ids}
        own = [order_id for order_id in part.order_ids if order_id in known]
        own = own or [order_id for order_id in known if order_id not in claimed]
        if own:
            targets[kind] = [Target(order_id) for order_id in own]
        else:
            targets[kind] = choose_orders(of_customer(case), part, kind, wish)
    return targets


def _carry_out(case: Case, entries: list[Effect | Remark], draft: words.Draft) -> None:
    if len(entries) > MOST_EFFECTS:
        raise GiveUp(f"The customer wants {len(entries)} orders dealt with at once.")
    done: set[str] = set()
    for entry in entries:
        if isinstance(entry, Remark):
            draft.remark(entry.kind, entry.order)
        else:
            draft.tell(entry, _settled(pursue(case, entry, further=entry.tool in done)))
            done.add(entry.tool)


def _settled(call: Call) -> Call:
    """Make the call, unless only a person can determine its outcome."""
    if call.status in ("unresolved", "expired"):
        raise GiveUp(f"The outcome of {call.name} is {call.status}: I cannot tell the customer what happened.")
    if call.error_code == "key_conflict":
        raise GiveUp("A similar action was made on this ticket before and this one differs.")
    return call


def _tell_status(case: Case, wish: Wish, orders: list[Order], draft: words.Draft) -> None:
    """Report the status of the orders in question, or of those that the customer may mean."""
    part = wish.parts.get("status")
    if not orders:
        found = of_customer(case)
        named = [order for order, _ in named_items(found, part.text)] if part else []
        everything = part is not None and part.everything
        orders = named or (found if everything else found[: 1 if wish.says(phrases.NEWEST) else 3])
    for order in orders:
        draft.status(order)
    if not orders:
        draft.ask("I find no order under your e-mail address. Could you send me the order number?")
    if not wish.parts:
        draft.ask("What would you like us to do about it?")


def _reply(case: Case, draft: words.Draft, reason: str) -> Move:
    """Send the draft. If our reply was refused and nothing was done since, a person takes over."""
    names = [call.name for call in case.calls]
    written = [place for place, call in enumerate(case.calls) if call.name == "reply" and (call.action or call.error)]
    sent = [place for place in written if case.calls[place].error_code != "not_done"]  # too early, not wrong
    wrong_form = [place for place in sent if case.calls[place].error_code == "invalid_arguments"]
    refused = [place for place in sent if place not in wrong_form]
    acted_since = refused and any(name in words.ACTION_TOOLS for name in names[refused[-1] :])
    if len(sent) > 3 or (refused and not acted_since):
        raise GiveUp("My reply was not accepted.")
    arguments: dict[str, Any] = {"text": draft.text(), "claims": draft.claims, "reason": reason}
    return Move("I have what I need and answer the customer with what truly happened.", (ToolCall("reply", arguments),))
