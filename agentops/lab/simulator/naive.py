"""The obvious first version: a loop around a language model that calls tools. `manage.py chaos` runs it next to this
system.

    python -m agentops.lab.simulator.naive --url URL --tickets FILE --done FILE [--threads N] [--timeout SECONDS]

It is no caricature: it reads, asks the model, does what the model says, tries everything three times, reports errors
to the model, and after a restart continues with the unfinished tickets. It lacks a key that stays the same when a call
is repeated, a check of what the model requests, a person to ask, and a record of what it was doing.

`--tickets` is a JSON list in the format of `GET /demo/tickets`. For each finished ticket a line is added to `--done`:
{"external_id", "outcome": "answered" | "with_person" | "failed"}.
"""

import argparse
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen
from uuid import uuid4

TRIES = 3
TROUBLE = (OSError, HTTPException, ValueError)
MOST_TURNS = 12
PROMPT = (
    "You are the support agent of an online shop. Look the customer's order up, do what they ask with your tools, then "
    "answer them with `reply`. Amounts are integers in the currency's minor unit. Use hand_over for what you cannot do."
)
TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
TOOLS: dict[str, dict[str, Any]] = {
    "find_orders": {"customer_email": TEXT, "tracking_number": TEXT},
    "get_order": {"order_id": TEXT},
    "get_customer": {},
    "refund": {"order_id": TEXT, "amount": NUMBER, "currency": TEXT, "reason": TEXT, "payment_id": TEXT},
    "cancel_order": {"order_id": TEXT, "reason": TEXT, "further": FLAG},
    "change_account": {"email": TEXT, "name": TEXT, "address": {"type": "object"}, "reason": TEXT},
    "reply": {"text": TEXT, "claims": {"type": "array"}, "reason": TEXT},
    "hand_over": {"reason": TEXT},
}


class Shop:
    """The providers' HTTP interfaces."""

    def __init__(self, url: str, timeout: float) -> None:
        self.url = url
        self.timeout = timeout

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the answer's JSON, whatever its status says about the caller. Otherwise raises one of TROUBLE."""
        data = None if body is None else json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
        request = Request(self.url + path, data, headers, method=method)  # noqa: S310 - an address that we were given
        try:
            with urlopen(request, timeout=self.timeout) as answer:  # noqa: S310 - the address given above
                return json.load(answer)
        except HTTPError as refused:
            with refused:
                if refused.code >= 500 or refused.code in (409, 429):
                    raise OSError(f"answered {refused.code}") from refused
                return json.load(refused)

    def send(self, method: str, path: str, body: Any) -> Any:
        """The contract requires a key, so it gets one."""
        return self.call(method, path, body, **{"Idempotency-Key": str(uuid4())})


def three_times[Answer](work: Callable[[], Answer]) -> Answer:
    for left in reversed(range(TRIES)):
        try:
            return work()
        except TROUBLE:
            if not left:
                raise
    raise AssertionError


class Agent:
    """One ticket, from its text to its reply."""

    def __init__(self, shop: Shop, ticket: dict[str, Any]) -> None:
        self.shop = shop
        self.ticket = ticket
        self.payments: list[dict[str, Any]] = []
        self.customer_id = ""
        self.outcome = ""

    def work(self) -> str:
        """Return its outcome. Raises whatever fails three times."""
        ticket = self.ticket
        heading = f"Ticket {ticket['external_id']} from {ticket['customer_name']} <{ticket['customer_email']}>"
        said = f"{heading}\nSubject: {ticket['subject']}\n\n{ticket['body']}"
        messages: list[dict[str, Any]] = [{"role": "system", "content": PROMPT}, {"role": "user", "content": said}]
        for _ in range(MOST_TURNS):
            answer = three_times(lambda: self.ask(messages))
            calls = answer.get("tool_calls") or []
            if not calls:
                return self.reply({"text": answer.get("content") or answer.get("refusal") or ""})
            messages.append({"role": "assistant", "content": "", "tool_calls": calls})
            for call in calls:
                function = call["function"]
                result = self.use(function["name"], json.loads(function["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": json.dumps(result)})
            if self.outcome:
                return self.outcome
        raise ValueError(f"no end after {MOST_TURNS} turns")

    def ask(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        tools = [
            {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": fields}}}
            for name, fields in TOOLS.items()
        ]
        asked = {"model": "simulated-agent", "messages": messages, "tools": tools}
        message: dict[str, Any] = self.shop.call("POST", "/v1/chat/completions", asked)["choices"][0]["message"]
        return message

    def use(self, tool: str, arguments: dict[str, Any]) -> Any:
        """Return the tool's answer, or that it did not work."""
        if tool not in TOOLS:
            raise ValueError(f"no tool {tool}")
        try:
            return three_times(lambda: getattr(self, tool)(arguments))
        except TROUBLE as error:
            return {"error": {"code": "failed", "message": str(error), "details": {}}}

    def find_orders(self, arguments: dict[str, Any]) -> Any:
        return self.seen(self.shop.call("GET", f"/orders?{urlencode(arguments)}"))

    def get_order(self, arguments: dict[str, Any]) -> Any:
        return self.seen(self.shop.call("GET", f"/orders/{quote(arguments['order_id'], safe='')}"))

    def seen(self, answer: Any) -> Any:
        """Remember whose order this is and how it was paid: refunds need it."""
        for order in answer.get("orders", [answer]):
            self.payments = order.get("payments", self.payments)
            self.customer_id = order.get("customer_id", self.customer_id)
        return answer

    def get_customer(self, arguments: dict[str, Any]) -> Any:
        if not self.customer_id:
            self.find_orders({"customer_email": self.ticket["customer_email"]})
        return self.shop.call("GET", f"/customers/{quote(self.customer_id)}")

    def refund(self, arguments: dict[str, Any]) -> Any:
        named = {name: arguments[name] for name in ("order_id", "amount", "currency", "reason")}
        payment_id = arguments.get("payment_id") or self.payments[0]["payment_id"]
        body = named | {"payment_id": payment_id, "reference": self.ticket["external_id"]}
        return self.done("refund", arguments, self.shop.send("POST", "/refunds", body))

    def cancel_order(self, arguments: dict[str, Any]) -> Any:
        path = f"/orders/{quote(arguments['order_id'], safe='')}/cancel"
        body = {"reference": self.ticket["external_id"], "reason": arguments["reason"]}
        return self.done("cancel_order", arguments, self.shop.send("POST", path, body))

    def change_account(self, arguments: dict[str, Any]) -> Any:
        changes = {name: arguments[name] for name in ("email", "name", "address") if name in arguments}
        path = f"/customers/{quote(self.customer_id)}"
        return self.done("account_change", arguments, self.shop.send("PATCH", path, changes))

    def done(self, kind: str, arguments: dict[str, Any], answer: Any) -> Any:
        """Return what the model learns about an effect: the provider's refusal, or that it is done."""
        if "error" in answer:
            return answer
        echoed = {name: arguments[name] for name in ("order_id", "amount", "currency") if name in arguments}
        return {"action": {"kind": kind, "status": "succeeded", **echoed}, "message": "Done."}

    def reply(self, arguments: dict[str, Any]) -> str:
        ticket = self.ticket
        body = {"source": ticket["source"], "external_id": ticket["external_id"], "ticket_id": ticket["external_id"]}
        body |= {"message_id": str(uuid4()), "to": ticket["customer_email"], "subject": f"Re: {ticket['subject']}"}
        body |= {"body": arguments["text"]}
        three_times(lambda: self.shop.call("POST", "/replies", body, **{"webhook-id": str(uuid4())}))
        self.outcome = "answered"
        return self.outcome

    def hand_over(self, arguments: dict[str, Any]) -> Any:
        self.outcome = "with_person"
        return {"handed_over": True}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m agentops.lab.simulator.naive")
    parser.add_argument("--url", required=True)
    parser.add_argument("--tickets", type=Path, required=True)
    parser.add_argument("--done", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--timeout", type=float, default=10.0)
    options = parser.parse_args()
    shop, lock = Shop(options.url, options.timeout), Lock()
    options.done.touch()
    through = {json.loads(line)["external_id"] for line in options.done.read_text().splitlines()}

    def answer(ticket: dict[str, Any]) -> None:
        try:
            outcome = Agent(shop, ticket).work()
        except Exception as error:  # noqa: BLE001 - a naive loop continues after any error, which is how tickets get lost
            print(f"{ticket['external_id']}: {error}", file=sys.stderr)
            outcome = "failed"
        with lock, options.done.open("a") as done:
            done.write(json.dumps({"external_id": ticket["external_id"], "outcome": outcome}) + "\n")

    with ThreadPoolExecutor(options.threads) as pool:
        tickets = json.loads(options.tickets.read_text())
        list(pool.map(answer, [ticket for ticket in tickets if ticket["external_id"] not in through]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
