"""What an admin enters about language models: caps, prices, and what brings the expert."""

from decimal import Decimal
from typing import Any

from django import forms

from agentops.llm.pricelist import HIGHEST
from agentops.models import Budget
from agentops.runs.routing import POLICY_CODES, SIGNS

MODEL = forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"})


def note_field(help_text: str) -> forms.CharField:
    return forms.CharField(label="Why", max_length=500, widget=forms.Textarea(attrs={"rows": 2}), help_text=help_text)


def dollars_field(label: str, help_text: str = "", *, required: bool = True) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        min_value=Decimal(0),
        max_value=HIGHEST - 1,
        decimal_places=6,
        required=required,
        help_text=help_text,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "num", "autocomplete": "off"}),
    )


class CapForm(forms.Form):
    per = forms.ChoiceField(choices=Budget.Per.choices, help_text="Days and months are UTC's.")
    model = forms.CharField(
        label="Model", max_length=100, required=False, widget=MODEL, help_text="Empty: all models together."
    )
    max_usd = dollars_field("At most, US dollars", "Empty: not capped.", required=False)
    max_tokens = forms.IntegerField(
        label="At most, tokens",
        min_value=0,
        max_value=10**15,
        required=False,
        help_text="Empty: not capped.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "num", "autocomplete": "off"}),
    )
    note = note_field("Kept in the audit.")

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if not self.errors and cleaned.get("max_usd") is None and cleaned.get("max_tokens") is None:
            self.add_error("max_usd", "Cap dollars, tokens or both; to have no cap, remove the budget.")
        return cleaned


class RemoveForm(forms.Form):
    note = note_field("Kept in the audit.")


class PriceForm(forms.Form):
    model = forms.CharField(
        label="Model", max_length=100, widget=MODEL, help_text="Exactly as it is named to its server."
    )
    input = dollars_field("Input")
    cached = dollars_field("Cached input", "Empty: as input.", required=False)
    output = dollars_field("Output")
    reasoning = dollars_field("Reasoning", "Empty: as output.", required=False)
    note = note_field("Where the price comes from; kept with it.")


class RoutingForm(forms.Form):
    signs = forms.MultipleChoiceField(
        label="The agent's own signs", choices=SIGNS.items(), required=False, widget=forms.CheckboxSelectMultiple
    )
    reasons = forms.MultipleChoiceField(
        label="What the policy says of an action",
        choices=POLICY_CODES.items(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    note = note_field("Kept with the version.")

    @property
    def codes(self) -> tuple[str, ...]:
        return (*self.cleaned_data["signs"], *self.cleaned_data["reasons"])
