"""The forms for a decision. The edit form is generated from the kind's pydantic schema, so a new kind or a new editable
parameter needs no form of its own."""

from typing import Any

from django import forms

from agentops.lib import money, written_money
from approvals.effects.kinds import KINDS
from approvals.models import Action
from approvals.web.forms.labels import label

_LONG = 300  # a field that allows more characters than this gets a text area


class RejectForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        min_length=3,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The agent uses this reason to reply to the customer.",
    )


class MoneyField(forms.CharField):
    """An amount that is entered in major units and cleaned to minor units of its currency."""

    def __init__(self, *, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        super().__init__(**kwargs)
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off", "class": "num"}

    def clean(self, value: Any) -> int:
        text = super().clean(value)
        try:
            amount = written_money.minor(text, self.currency)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        if not amount:
            raise forms.ValidationError("Enter an amount above zero.")
        return amount


class EditForm(forms.Form):
    """The editable parameters of an action with their current values. `changes()` returns the changed ones as
    {name: value}: amounts in minor units, a nested object as a whole."""

    def __init__(self, action: Action, data: Any = None) -> None:
        super().__init__(data, prefix="edit")
        self.kind = KINDS.of(action)
        self.params: dict[str, Any] = action.params
        schema = self.kind.params.model_json_schema()
        for name in self.kind.editable:
            self._add(name, _plain(schema["properties"][name], schema), schema, self.params.get(name))

    def clean(self) -> dict[str, Any]:
        if not self.errors and not self.changes():
            raise forms.ValidationError("Nothing was changed. To approve without changes, use Approve.")
        return self.cleaned_data

    def changes(self) -> dict[str, Any]:
        entered = {name: self._entered(name) for name in self.kind.editable}
        return {name: value for name, value in entered.items() if value != self._current(name)}

    def _add(self, name: str, property_: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
        if "properties" in property_:
            for part, inner in property_["properties"].items():
                self._add(f"{name}.{part}", _plain(inner, schema), schema, (value or {}).get(part))
            return

        required = self.params.get(name) is not None and "." not in name
        if property_.get("type") == "integer":
            currency = self.params["currency"]
            self.fields[name] = MoneyField(
                label=f"{label(name)} ({currency})",
                currency=currency,
                initial=f"{money.major(value, currency):f}",
            )
        else:
            self.fields[name] = _text_field(name, property_, required=required, value=value)

    def _entered(self, name: str) -> Any:
        if name in self.fields:
            value = self.cleaned_data[name]
            # Browsers submit line breaks in a text area as CR LF, which would count as a change.
            return value.replace("\r\n", "\n") if isinstance(value, str) and value else value or None
        parts = {key: text for key, text in self.cleaned_data.items() if key.startswith(f"{name}.")}
        return {key.removeprefix(f"{name}."): text for key, text in parts.items() if text} or None

    def _current(self, name: str) -> Any:
        value = self.params.get(name)
        if isinstance(value, dict):
            return {part: text for part, text in value.items() if text} or None
        return value or None


def _text_field(name: str, property_: dict[str, Any], *, required: bool, value: Any) -> forms.CharField:
    longest = property_.get("maxLength")
    described = {"label": label(name), "required": required, "initial": value}
    if property_.get("format") == "email":
        return forms.EmailField(**described)
    if longest and longest > _LONG:
        rows = 12 if longest > 1000 else 3
        return forms.CharField(**described, max_length=longest, widget=forms.Textarea(attrs={"rows": rows}))
    return forms.CharField(**described, max_length=longest)


def _plain(property_: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the property with its `$ref` resolved and "or null" removed."""
    if "anyOf" in property_:
        property_ = next(choice for choice in property_["anyOf"] if choice.get("type") != "null")
    if "$ref" in property_:
        return dict(schema["$defs"][property_["$ref"].split("/")[-1]])
    return property_
