"""The policy form: tables of limits in major units, and general settings."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from pydantic import ValidationError

from agentops.lib import money, written_money
from approvals.effects.kinds import KINDS
from approvals.grounding import check
from approvals.policy.rules import ACKNOWLEDGEMENT, CurrencyLimit, Rules, Threshold

_SPARE = 2  # empty rows for new limits
ACKNOWLEDGE = [
    ("never", "Never"),
    ("failed", "When the agent failed"),
    ("with_person", "Whenever a ticket needs a person"),
]


def money_kinds() -> list[tuple[str, str]]:
    return [(kind.name, kind.label) for kind in KINDS.values() if kind.moves_money]


def effect_kinds() -> list[tuple[str, str]]:
    return [(name, KINDS.label(name)) for name in KINDS.effects]


class CurrencyRow(forms.Form):
    """A row for one currency. Its amounts are entered in major units and cleaned to minor units."""

    AMOUNTS: tuple[str, ...] = ("up_to",)
    currency = forms.CharField(
        max_length=3, widget=forms.TextInput(attrs={"size": 4, "placeholder": "USD", "autocomplete": "off"})
    )

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if not written_money.is_currency(currency):
            raise forms.ValidationError(f"{currency} isn't an ISO 4217 currency code.")
        return currency

    def clean(self) -> dict[str, Any]:
        currency = self.cleaned_data.get("currency")
        for name in self.AMOUNTS if currency else ():
            if name in self.cleaned_data:
                self._to_minor(name, str(currency))
        return self.cleaned_data

    def _to_minor(self, name: str, currency: str) -> None:
        try:
            self.cleaned_data[name] = written_money.minor(self.cleaned_data[name], currency)
        except ValueError as error:
            self.add_error(name, str(error))


def amount_field(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "num", "size": 10, "autocomplete": "off"}),
    )


class KindField(forms.ChoiceField):
    def validate(self, value: Any) -> None:
        if value and not self.valid_value(value):
            valid = ", ".join(name for name, _ in money_kinds())
            raise forms.ValidationError(f"{value} isn't a kind of action that moves money. Valid kinds: {valid}.")
        super().validate(value)


class ThresholdRow(CurrencyRow):
    AMOUNTS = ("auto_up_to", "block_above")
    field_order = ("kind", "currency", "auto_up_to", "block_above")
    kind = KindField(choices=money_kinds)
    auto_up_to = amount_field("Auto-approve up to")
    block_above = amount_field("Block above")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        alone, ceiling = cleaned.get("auto_up_to"), cleaned.get("block_above")
        if isinstance(alone, int) and isinstance(ceiling, int) and alone > ceiling:
            self.add_error("block_above", "This must be at least the auto-approve amount.")
        return cleaned

    def has_changed(self) -> bool:
        # A spare row always has a kind selected, so it counts as empty until another field is filled in.
        return bool(set(self.changed_data) - {"kind"})


class LimitRow(CurrencyRow):
    up_to = amount_field("Limit")


class GeneralForm(forms.Form):
    share_of_order_percent = forms.IntegerField(
        label="Max share of an order",
        min_value=0,
        max_value=100,
        help_text="Percent of the order refunded without approval.",
    )
    refund_window_days = forms.IntegerField(
        label="Max days after delivery",
        min_value=0,
        max_value=3650,
        help_text="0 means no limit.",
    )
    customer_30_days_count = forms.IntegerField(
        label="Max refunds per customer in 30 days", min_value=0, help_text="More than this needs approval."
    )
    approval_hours = forms.IntegerField(
        label="Hours to decide", min_value=1, max_value=24 * 90, help_text="Undecided requests expire after this."
    )
    replies_need_approval = forms.BooleanField(label="Every reply needs approval", required=False)
    replies_per_day = forms.IntegerField(
        label="Max automatic replies per ticket and day",
        min_value=0,
        max_value=1000,
        required=False,  # a form that was opened before an upgrade lacks it: the value in force stays
        help_text="After this many, a person takes over. 0 means no limit.",
    )
    agent_may_decline = forms.MultipleChoiceField(
        label="Blocked requests",
        choices=effect_kinds,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="The agent may decline these alone. Other blocked requests go to a person.",
    )
    acknowledge = forms.ChoiceField(
        label="Message to customers when a person takes over", choices=ACKNOWLEDGE, required=False
    )
    acknowledgement = forms.CharField(
        label="Message text",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Sent as written, once per ticket until it is answered. It must not claim or promise anything.",
    )
    note = forms.CharField(
        label="Reason", max_length=500, widget=forms.Textarea(attrs={"rows": 2}), help_text="Saved with the version."
    )

    def clean_acknowledge(self) -> str:
        return self.cleaned_data["acknowledge"] or "never"

    def clean_acknowledgement(self) -> str:
        text: str = self.cleaned_data["acknowledgement"] or ACKNOWLEDGEMENT
        claimed = check.find_ungrounded(text, [], [])
        if claimed:
            raise forms.ValidationError([f"The message must not claim or promise anything. {claimed[0]}", *claimed[1:]])
        return text


class PolicyForm:
    """The policy's forms as one. After is_valid(), `rules` are the given rules with the forms' values. The note is only
    required when `saving`."""

    def __init__(self, rules: Rules, data: Any = None, *, note: str = "", spare: int = 0, saving: bool = False) -> None:
        self.base = shown = rules
        first = shown.model_dump(include=set(GeneralForm.base_fields)) | {"note": note}
        self.general = GeneralForm(data, initial=first)
        self.general.fields["note"].required = saving
        self.thresholds = _table(ThresholdRow, "thresholds", data, shown.thresholds, spare)
        self.customer = _table(LimitRow, "customer", data, shown.customer_30_days, spare)
        self.agent = _table(LimitRow, "agent", data, shown.agent_today, spare)
        self.errors: list[str] = []
        self.rules: Rules

    @property
    def tables(self) -> list[tuple[str, str, Any]]:
        return [
            ("Limits per action", "Amounts in between need approval.", self.thresholds),
            ("Per customer in 30 days", "Higher totals need approval.", self.customer),
            ("Auto-approved per day", "Higher totals need approval.", self.agent),
        ]

    @property
    def note(self) -> str:
        return str(self.general.cleaned_data["note"])

    def is_valid(self) -> bool:
        parts = (self.general, self.thresholds, self.customer, self.agent)
        faults = [part for part in parts if not part.is_valid()]  # validate all parts, so that each shows its errors
        if faults:
            return False
        general = {
            name: value for name, value in self.general.cleaned_data.items() if name != "note" and value is not None
        }
        try:
            limits = {
                "thresholds": [Threshold(**row) for row in _rows(self.thresholds)],
                "customer_30_days": [CurrencyLimit(**row) for row in _rows(self.customer)],
                "agent_today": [CurrencyLimit(**row) for row in _rows(self.agent)],
                **general,
            }
            self.rules = Rules.model_validate({**dict(self.base), **limits})
        except ValidationError as error:
            self.errors = [item["msg"].removeprefix("Value error, ") for item in error.errors()]
            return False
        return True


def _table(row: type[CurrencyRow], prefix: str, data: Any, rules: Iterable[Any], spare: int) -> Any:
    factory = forms.formset_factory(row, extra=_SPARE + spare, can_delete=True, max_num=200)
    initial = [_initial(row, rule) for rule in rules]
    return factory(data, initial=initial, prefix=prefix)


def _initial(row: type[CurrencyRow], rule: Any) -> dict[str, Any]:
    values: dict[str, Any] = rule.model_dump()
    return values | {name: _plain(money.major(values[name], rule.currency)) for name in row.AMOUNTS}


def _plain(amount: Decimal) -> str:
    return f"{amount:f}"


def _rows(formset: Any) -> list[dict[str, Any]]:
    """Return the filled-in rows, without deleted ones."""
    kept = [form.cleaned_data for form in formset.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
    return [{name: value for name, value in row.items() if name != "DELETE"} for row in kept if row.get("currency")]
