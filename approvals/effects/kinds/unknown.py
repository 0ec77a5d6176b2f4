"""The stand-in for a kind that this release doesn't have, such as one of a newer release that was rolled back."""

from typing import Any, NoReturn

from pydantic import ConfigDict

from agentops.lib.errors import Refused, Terminal
from approvals.effects.kinds.base import Arguments, Kind, Params, Resolved
from approvals.effects.resolution import NOW, Sources
from approvals.models import Action
from approvals.policy import verdicts
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Facts, Reason
from approvals.providers.receipt import Receipt
from tickets.models import Ticket

CODE = "unknown_kind"


class UnknownParams(Params):
    model_config = ConfigDict(extra="allow")


class UnknownKind(Kind[Arguments, UnknownParams]):
    """Fails closed: nothing is sent, and nothing can be looked up."""

    tool = description = ""
    arguments = Arguments
    params = UnknownParams
    providers = ()
    editable = ()

    def __init__(self, name: str, label: str) -> None:
        self.name, self.label = name, label

    @property
    def keeps_keys(self) -> bool:
        return False

    def resolve(
        self, given: Arguments, ticket: Ticket, *, sources: Sources = NOW, mendable: bool = False
    ) -> Resolved[UnknownParams]:
        raise Refused(CODE, self._message)

    def body(self, params: UnknownParams, *, key: str, ticket: Ticket) -> dict[str, Any]:
        raise Refused(CODE, self._message)

    def judge(self, rules_in_force: Rules, facts: Facts) -> list[Reason]:
        return [verdicts.block(CODE, f"The policy doesn't know the action {facts.kind!r}")]

    def read_again(self, action: Action) -> Resolved[UnknownParams]:
        self._fail()

    def send(self, params: UnknownParams, *, body: str, key: str) -> Receipt:
        self._fail()

    def _fail(self) -> NoReturn:
        raise Terminal(CODE, self._message)

    @property
    def _message(self) -> str:
        return f"This release of AgentOps doesn't know the action {self.name!r}."
