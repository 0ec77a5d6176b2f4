"""The kinds of action: what the model may ask for, and the exact parameters that a person approves.

`Arguments` is what the model (or a person's form) gives; `Params` is what was resolved against real data
and frozen with the action. To add a kind: a class pair and a row in KINDS here, how it is resolved in
`resolution`, how it is sent in `execution`. Pure: no Django, no HTTP.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from agentops.lib.errors import Refused

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
OrderId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[int, Field(gt=0, le=10**15)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @field_validator("*")
    @classmethod
    def storable(cls, value: Any) -> Any:
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("holds a NUL character")
        return value


class Arguments(Strict):
    reason: Reason = Field(description="Why, in a sentence that the person who approves this will read.")


class SideEffect(Arguments):
    further: bool = Field(
        default=False,
        description="True only for a second, separate effect of this kind on this ticket, after a key_conflict. "
        "A person then decides.",
    )


class RefundArguments(SideEffect):
    order_id: OrderId
    amount: Amount = Field(description="In the currency's minor unit: 8400 is 84.00 USD, 8400 is 8400 JPY.")
    currency: Currency
    payment_id: str | None = Field(
        default=None, max_length=255, description="Only where the order has several payments."
    )


class RefundParams(Strict):
    order_id: str
    payment_id: str
    amount: Amount
    currency: Currency
    reason: Reason


class CancelOrderArguments(SideEffect):
    order_id: OrderId


class CancelOrderParams(Strict):
    order_id: str
    amount: Annotated[int, Field(ge=0)] = Field(description="What the cancellation returns, in minor units.")
    currency: Currency
    reason: Reason


class Address(Strict):
    """Only the parts that are known; a part left out is not changed into nothing but is absent."""

    address1: str | None = Field(default=None, max_length=200)
    address2: str | None = Field(default=None, max_length=200)
    city: str | None = Field(default=None, max_length=100)
    state: str | None = Field(default=None, max_length=100)
    zip: str | None = Field(default=None, max_length=20)
    country: str | None = Field(default=None, max_length=100)


class AccountChange(Strict):
    email: EmailStr | None = None
    name: Name | None = None
    address: Address | None = None

    def changes(self) -> dict[str, Any]:
        return self.model_dump(include={"email", "name", "address"}, exclude_none=True)

    @model_validator(mode="after")
    def something_changes(self) -> Self:
        if not any(self.changes().values()):
            raise ValueError("give at least one of email, name, address")
        return self


class ChangeAccountArguments(SideEffect, AccountChange):
    pass


class AccountChangeParams(AccountChange):
    customer_id: str
    reason: Reason


class Claim(Strict):
    """An effect that a reply says has happened, and the action that did it. An order or amount left out is not
    vouched for. The model is asked for `action`; where it is missing, the one action that fits is named for it."""

    model_config = ConfigDict(json_schema_extra={"required": ["kind", "action"]})

    kind: Literal["refund", "cancel_order", "account_change"]
    action: str = Field(
        default="", max_length=45, description="The idempotency_key that the tool's result gives of the action."
    )
    order_id: str | None = None
    amount: int | None = Field(default=None, description="minor units")
    currency: str | None = None


class ReplyArguments(Arguments):
    text: Text
    claims: list[Claim] = Field(
        default_factory=list,
        max_length=20,
        description="Every effect that the text says has happened, each with the action that did it.",
    )


class ReplyParams(Strict):
    to: str
    subject: str
    text: Text
    claims: list[Claim]
    reason: Reason


@dataclass(frozen=True)
class Kind:
    """`tool` is the function name the model calls; `label` is what people read; `editable` are the parameters
    that a person may change before approving."""

    name: str
    tool: str
    label: str
    description: str
    arguments: type[Arguments]
    params: type[Strict]
    moves_money: bool
    editable: tuple[str, ...]
    once_a_run: bool = False


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "refund",
            "refund",
            "Refund",
            "Refund part or all of a payment of one of this customer's orders. Read the order first.",
            RefundArguments,
            RefundParams,
            True,
            ("amount", "reason"),
        ),
        Kind(
            "cancel_order",
            "cancel_order",
            "Cancel order",
            "Cancel one of this customer's orders that has not shipped; its payments are returned in full.",
            CancelOrderArguments,
            CancelOrderParams,
            True,
            ("reason",),
        ),
        Kind(
            "account_change",
            "change_account",
            "Account change",
            "Change this customer's e-mail, name or default address. A person always approves it.",
            ChangeAccountArguments,
            AccountChangeParams,
            False,
            ("email", "name", "address", "reason"),
        ),
        Kind(
            "reply",
            "reply",
            "Reply",
            "Answer the customer; ends your work. List in `claims` every effect that the text says has happened, with "
            "the idempotency_key of the succeeded action; an effect that has not happened may not be claimed or "
            "promised.",
            ReplyArguments,
            ReplyParams,
            False,
            ("text",),
            once_a_run=True,
        ),
    )
}
BY_TOOL = {kind.tool: kind for kind in KINDS.values()}


def noun(kind: str) -> str:
    """Return what a kind is called inside a sentence: "refund", "cancellation"."""
    return "cancellation" if kind == "cancel_order" else kind.replace("_", " ")


def parse[Schema: BaseModel](schema: type[Schema], arguments: Any) -> Schema:
    """Validates JSON values against a schema. Raises Refused("invalid_arguments") that names each field."""
    try:
        # JSON text, so that strict mode reads JSON's own types (lists, numbers) and nothing looser.
        return schema.model_validate_json(json.dumps(arguments))
    except ValidationError as error:
        fields = {".".join(map(str, item["loc"])) or "arguments": item["msg"] for item in error.errors()}
        raise Refused(
            "invalid_arguments",
            "; ".join(f"{field}: {message}" for field, message in fields.items()),
            fields=fields,
            valid=sorted(schema.model_fields),
        ) from None


def canonical(value: Any) -> str:
    """One text for one JSON value: what digests are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(params: dict[str, Any]) -> str:
    """SHA-256 (hex) of the parameters: what a decision binds to."""
    return hashlib.sha256(canonical(params).encode()).hexdigest()


def same_effect(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two parameter sets ask for the same effect, however their reasons are worded."""
    return {**one, "reason": ""} == {**other, "reason": ""}
