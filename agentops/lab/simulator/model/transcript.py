"""The contents of a chat request's messages: the ticket, the conversation, the tools called so far and their
results."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TICKET = re.compile(
    r"Ticket\s+(?P<id>\S+)\s+from\s+(?P<name>.*?)\s*<(?P<email>[^>\s]*)>\s*\n"
    r"Subject:[ \t]*(?P<subject>[^\n]*)\n*(?P<body>.*)",
    re.DOTALL,
)
# What the surrounding system says in the user's role: about an answer without effect, or about what was done.
NOTE = re.compile(r"\btool call\b|\bcall (?:hand_over|a tool)\b", re.IGNORECASE)
# What a message repeats from earlier ones: nothing that the customer wants now.
QUOTED = re.compile(r"\[Quoted from earlier messages:\].*?\[End of the quote\]", re.DOTALL)
BRIEF = re.compile(r"\[From the system\b", re.IGNORECASE)
# A line of that about an action that a person has not decided on yet.
UNDECIDED = re.compile(r"^- .*: awaiting_approval\b.*\((?P<key>\S+)\)$", re.MULTILINE)
NAMELESS = frozenset({"a customer", "unknown"})


@dataclass(frozen=True)
class Call:
    """A tool call of ours. `arguments` is None if they were not a JSON object, `result` is None before the answer."""

    name: str
    raw: str
    arguments: dict[str, Any] | None
    result: dict[str, Any] | None

    @property
    def error(self) -> dict[str, Any] | None:
        """Return {code, message, details} of a call that failed as a call."""
        found = (self.result or {}).get("error")
        return found if isinstance(found, dict) else None

    @property
    def error_code(self) -> str:
        return str((self.error or {}).get("code", ""))

    @property
    def details(self) -> dict[str, Any]:
        found = (self.error or {}).get("details")
        return found if isinstance(found, dict) else {}

    @property
    def action(self) -> dict[str, Any] | None:
        """Return {kind, status, order_id, amount, currency, ...} of a settled action."""
        found = (self.result or {}).get("action")
        return found if isinstance(found, dict) else None

    @property
    def status(self) -> str:
        return str((self.action or {}).get("status", ""))

    def argument(self, name: str) -> Any:
        return (self.arguments or {}).get(name)


@dataclass
class Case:
    """A transcript. `wishes` are the customer's messages since our last reply, `earlier` those before it. `first` is
    the ticket's text without its number, so that the same text is treated alike in every database. `undecided` are the
    keys of actions that still wait for a person."""

    first: str
    ticket: str = ""
    name: str = ""
    email: str = ""
    subject: str = ""
    wishes: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    notes: int = 0
    undecided: list[str] = field(default_factory=list)
    tools: frozenset[str] = frozenset()

    @property
    def first_name(self) -> str:
        return self.name.split()[0] if self.name.split() else ""

    @property
    def fresh(self) -> bool:
        """Return whether nothing of ours follows the customer's last message."""
        return not self.calls and not self.notes

    def orders(self) -> dict[str, dict[str, Any]]:
        """Return every order seen so far by id, as last read."""
        seen: dict[str, dict[str, Any]] = {}
        for call in self.calls:
            result = call.result or {}
            found = result.get("orders") if call.name == "find_orders" else [result]
            for order in found if isinstance(found, list) else []:
                if isinstance(order, dict) and isinstance(order.get("order_id"), str) and "items" in order:
                    seen[order["order_id"]] = order
        return seen

    def calls_of(self, name: str, **arguments: Any) -> list[Call]:
        """Return our calls of a tool whose arguments have these values, oldest first."""
        wanted = arguments.items()
        return [c for c in self.calls if c.name == name and all(c.argument(key) == value for key, value in wanted)]


def read(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Case:
    """Return the case in a request's messages. A transcript without a ticket heading is read as plain text."""
    results = {
        str(message.get("tool_call_id")): _object(text_of(message))
        for message in messages
        if message.get("role") == "tool"
    }
    messages = [_without_quotes(message) for message in messages]
    users = [text_of(message) for message in messages if message.get("role") == "user"]
    case = Case(first=users[0] if users else "", tools=frozenset(_tool_names(tools)))
    heading = TICKET.search(case.first)
    if heading:
        case.name = "" if heading["name"].lower() in NAMELESS else heading["name"]
        case.ticket, case.email, case.subject = heading["id"], heading["email"], heading["subject"].strip()
        case.first = f"{case.email}\n{case.subject}\n{heading['body']}"
        case.wishes.append(heading["body"].strip())
    elif users:
        case.wishes.append(case.first)
    begin = next((place for place, message in enumerate(messages, start=1) if message.get("role") == "user"), 0)
    for place in range(begin, len(messages)):
        following = text_of(messages[place + 1]) if place + 1 < len(messages) else ""
        _read_message(case, messages[place], following, results)
    return case


def _without_quotes(message: Mapping[str, Any]) -> Mapping[str, Any]:
    if message.get("role") != "user" or not isinstance(message.get("content"), str):
        return message
    return {**message, "content": QUOTED.sub("", message["content"])}


def _read_message(
    case: Case, message: Mapping[str, Any], following: str, results: Mapping[str, dict[str, Any] | None]
) -> None:
    """Read one message after the ticket. `following` is the text of the next one."""
    role, text, calls = message.get("role"), text_of(message), message.get("tool_calls") or []
    if role == "assistant" and (not text or NOTE.search(following)) and not calls:
        case.notes += 1
    elif role == "assistant" and calls:
        case.calls += [_call(call, results) for call in calls]
    elif role == "assistant":
        case.replies.append(text)
        case.earlier += case.wishes
        case.wishes = []
    elif role == "user" and case.fresh and not NOTE.search(text) and not BRIEF.match(text):
        case.wishes.append(text)
    elif role == "system" and BRIEF.match(text):
        case.undecided = UNDECIDED.findall(text)
    elif role != "tool" and not BRIEF.match(text):
        case.notes += 1


def _call(call: Mapping[str, Any], results: Mapping[str, dict[str, Any] | None]) -> Call:
    function = call.get("function", {})
    raw = str(function.get("arguments", ""))
    return Call(str(function.get("name", "")), raw, _object(raw), results.get(str(call.get("id"))))


def text_of(message: Mapping[str, Any]) -> str:
    """Return a message's text, whether it is a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _tool_names(tools: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(tool.get("function", {}).get("name", "")) for tool in tools]


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
