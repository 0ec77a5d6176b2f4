"""Forms for admins about language models: budgets, prices and routing."""

from decimal import Decimal
from typing import Any

from django import forms

from agentops.llm.pricelist import HIGHEST
from agentops.models import Budget
from agentops.runs.routing import POLICY_CODES, SIGNS

MODEL = forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"})


def note_field(help_text: str, *, label: str = "Reason") -> forms.CharField:
    return forms.CharField(label=label, max_length=500, widget=forms.Textarea(attrs={"rows": 2}), help_text=help_text)


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
    per = forms.ChoiceField(choices=Budget.Per.choices, help_text="Days and months in UTC.")
    model = forms.CharField(
        label="Model", max_length=100, required=False, widget=MODEL, help_text="Leave empty for all models together."
    )
    max_usd = dollars_field("Limit in US dollars", "Leave empty for no limit.", required=False)
    max_tokens = forms.IntegerField(
        label="Limit in tokens",
        min_value=0,
        max_value=10**15,
        required=False,
        help_text="Leave empty for no limit.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "num", "autocomplete": "off"}),
    )
    note = note_field("Saved in the audit log.")

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if not self.errors and cleaned.get("max_usd") is None and cleaned.get("max_tokens") is None:
            self.add_error("max_usd", "Enter a limit in dollars, tokens or both. To have no limit, remove the budget.")
        return cleaned


class RemoveForm(forms.Form):
    note = note_field("Saved in the audit log.")


class PriceForm(forms.Form):
    model = forms.CharField(label="Model", max_length=100, widget=MODEL, help_text="Exactly as its server names it.")
    input = dollars_field("Input")
    cached = dollars_field("Cached input", "Leave empty to use the input price.", required=False)
    output = dollars_field("Output")
    reasoning = dollars_field("Reasoning", "Leave empty to use the output price.", required=False)
    note = note_field("Where the price comes from. Saved with it.", label="Source")


class RoutingForm(forms.Form):
    signs = forms.MultipleChoiceField(
        label="Signs from the agent", choices=SIGNS.items(), required=False, widget=forms.CheckboxSelectMultiple
    )
    reasons = forms.MultipleChoiceField(
        label="Reasons from the policy",
        choices=POLICY_CODES.items(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    note = note_field("Saved with the version.")

    @property
    def codes(self) -> tuple[str, ...]:
        return (*self.cleaned_data["signs"], *self.cleaned_data["reasons"])
