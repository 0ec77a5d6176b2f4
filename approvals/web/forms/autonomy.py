"""The form for the autonomy dial: the dial, the shares per kind and tag, and the auto-lowering."""

from typing import Any

from django import forms
from pydantic import ValidationError

from approvals.effects.kinds import KINDS
from approvals.policy.dial import Dial, KindShare, Lowering, TagShare
from approvals.policy.rules import Rules

_SPARE = 2  # empty rows for new tags


def percent_field(label: str, *, required: bool = False, least: int = 0, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=required,
        min_value=least,
        max_value=100,
        widget=forms.NumberInput(attrs={"class": "num", "inputmode": "numeric"}),
        **more,
    )


class DialForm(forms.Form):
    percent = percent_field("Percent of tickets", required=True)


class KindsForm(forms.Form):
    """One field per kind. An empty field means that the dial applies."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in KINDS.values():
            self.fields[kind.name] = percent_field(kind.label)


class TagRow(forms.Form):
    tag = forms.CharField(label="Tag", max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    percent = percent_field("Percent", required=True)


class LoweringForm(forms.Form):
    rejected_percent = percent_field(
        "Max rejections, percent", least=1, help_text="Of all decisions. Leave empty to ignore."
    )
    failed_percent = percent_field(
        "Max failures, percent", least=1, help_text="Of auto-approved actions. Leave empty to ignore."
    )
    at_least = forms.IntegerField(
        label="Minimum cases", min_value=1, max_value=1_000, help_text="Ignored below this number."
    )
    window_days = forms.IntegerField(label="Period in days", min_value=1, max_value=90)
    step = percent_field("Lower by, points", required=True, least=1)
    floor = percent_field("Lowest setting, percent", required=True)


class NoteForm(forms.Form):
    note = forms.CharField(
        label="Reason", max_length=500, widget=forms.Textarea(attrs={"rows": 2}), help_text="Saved with the version."
    )


class AutonomyForm:
    """The forms above as one. After is_valid(), `rules` are the given rules with the form's values. The note is only
    required when `saving`."""

    def __init__(self, rules: Rules, data: Any = None, *, saving: bool = False) -> None:
        self.base = rules
        set_to = rules.autonomy
        self.dial = DialForm(data, initial={"percent": set_to.percent})
        self.kinds = KindsForm(data, prefix="kind", initial={row.kind: row.percent for row in set_to.kinds})
        rows = forms.formset_factory(TagRow, extra=_SPARE, can_delete=True, max_num=100)
        self.tags = rows(data, prefix="tags", initial=[row.model_dump() for row in set_to.tags])
        self.lowering = LoweringForm(data, prefix="lower", initial=rules.lowering.model_dump())
        self.saying = NoteForm(data)
        self.saying.fields["note"].required = saving
        self.errors: list[str] = []
        self.rules: Rules

    @property
    def note(self) -> str:
        return str(self.saying.cleaned_data["note"])

    def is_valid(self) -> bool:
        parts = (self.dial, self.kinds, self.tags, self.lowering, self.saying)
        faults = [part for part in parts if not part.is_valid()]  # validate all parts, so that each shows its errors
        if faults:
            return False
        kinds = {name: value for name, value in self.kinds.cleaned_data.items() if value is not None}
        tags = [form.cleaned_data for form in self.tags.forms if form.cleaned_data]
        try:
            set_to = Dial(
                percent=self.dial.cleaned_data["percent"],
                kinds=tuple(
                    KindShare.model_validate({"kind": name, "percent": value}) for name, value in kinds.items()
                ),
                tags=tuple(TagShare(tag=row["tag"], percent=row["percent"]) for row in tags if not row.get("DELETE")),
            )
            lowering = Lowering(**self.lowering.cleaned_data)
            self.rules = Rules.model_validate({**dict(self.base), "autonomy": set_to, "lowering": lowering})
        except ValidationError as error:
            self.errors = [item["msg"].removeprefix("Value error, ") for item in error.errors()]
            return False
        return True
