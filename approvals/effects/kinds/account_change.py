"""Change the customer's e-mail address, name or default address in the shop."""

from dataclasses import replace
from typing import Any, Self

from pydantic import EmailStr, Field, model_validator

from agentops.lib import addresses
from approvals import kinds
from approvals.effects.customers import read_customer
from approvals.effects.kinds.base import CannotBeAsked, Kind, Params, Resolved, SideEffect
from approvals.effects.resolution import NOW, Sources
from approvals.models import Action
from approvals.policy import verdicts
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Facts, Reason
from approvals.providers import orders
from approvals.providers.receipt import Receipt
from tickets.models import Customer, Ticket


class Address(kinds.Strict):
    """The known parts of an address. A part that is left out stays absent; it is not cleared."""

    address1: str | None = Field(default=None, max_length=200)
    address2: str | None = Field(default=None, max_length=200)
    city: str | None = Field(default=None, max_length=100)
    state: str | None = Field(default=None, max_length=100)
    zip: str | None = Field(default=None, max_length=20)
    country: str | None = Field(default=None, max_length=100)


class Change(kinds.Strict):
    email: EmailStr | None = None
    name: kinds.Name | None = None
    address: Address | None = None

    def changes(self) -> dict[str, Any]:
        """Return the fields that change, as JSON."""
        return self.model_dump(include={"email", "name", "address"}, exclude_none=True)

    @model_validator(mode="after")
    def something_changes(self) -> Self:
        if not any(self.changes().values()):
            raise ValueError("give at least one of email, name, address")
        return self


class ChangeAccountArguments(SideEffect, Change):
    pass


class AccountChangeParams(Params, Change):
    customer_id: str
    reason: kinds.Reason


class AccountChangeKind(Kind[ChangeAccountArguments, AccountChangeParams]):
    name = icon = "account_change"
    tool = "change_account"
    label = "Account change"
    description = "Change this customer's e-mail, name or default address. A person always approves it."
    arguments, params = ChangeAccountArguments, AccountChangeParams
    providers = (orders.NAME,)
    editable = ("email", "name", "address", "reason")
    to_be = "to be made"
    panel = "account"
    never_happened = "The account is unchanged since the approval."
    while_unknown = "We keep checking the account until it shows the outcome, or until people confirm it."

    def resolve(
        self, given: ChangeAccountArguments, ticket: Ticket, *, sources: Sources = NOW, mendable: bool = False
    ) -> Resolved[AccountChangeParams]:
        customer = read_customer(ticket, sources)
        params = AccountChangeParams(
            customer_id=customer.customer_id,
            email=given.email,
            name=given.name,
            address=given.address,
            reason=given.reason,
        )
        return Resolved(self, params, customer.customer_id, given.further, customer=customer)

    def body(self, params: AccountChangeParams, *, key: str, ticket: Ticket) -> dict[str, Any]:
        return {field: value for field, value in params.changes().items() if value}

    def judge(self, rules_: Rules, facts: Facts) -> list[Reason]:
        return [verdicts.person("account_change", "Account changes always need approval")]

    def read_again(self, action: Action) -> Resolved[AccountChangeParams]:
        return replace(self.of(action), customer=read_customer(action.ticket))

    def send(self, params: AccountChangeParams, *, body: str, key: str) -> Receipt:
        return orders.change_customer(params.customer_id, body=body, key=key)

    def succeeded(self, action: Action) -> None:
        """Keep whose account the old and the new address are, so that tickets from both find its orders."""
        params = self.params_of(action)
        if params.email is None:
            return
        author = action.ticket.customer
        Customer.objects.filter(pk=author.pk).update(shop_id=params.customer_id)
        Customer.objects.update_or_create(
            email=addresses.parse(params.email),
            defaults={"shop_id": params.customer_id},
            create_defaults={"shop_id": params.customer_id, "name": author.name},
        )

    def look_up(self, action: Action, params: AccountChangeParams) -> Receipt | None:
        """Compare the account with the wanted values. If others have changed it since, nobody can tell what we did."""
        customer = orders.get_customer(params.customer_id)
        if customer is None:
            raise CannotBeAsked("the account no longer exists.")
        wanted = {field: value for field, value in params.changes().items() if value}
        now = customer.model_dump(mode="json")
        if customer.has(wanted):
            return Receipt(reference=customer.customer_id, data=now)
        # Neither the old nor the new values: another change may have replaced ours, so "not done" would be a guess.
        if any(now[field] != action.snapshot.get(field) for field in wanted):
            raise CannotBeAsked("the account has neither the old nor the new values.")
        return None
