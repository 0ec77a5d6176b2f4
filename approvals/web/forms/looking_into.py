"""Forms for what people find out: the outcome of an unresolved action, and the explanation of a finding."""

from django import forms
from django.http import QueryDict


class SettleForm(forms.Form):
    """The outcome of an unresolved action, and the evidence for it."""

    happened = forms.TypedChoiceField(
        label="Outcome",
        choices=[("yes", "It went through"), ("no", "It didn't go through")],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
        error_messages={"required": "Select an outcome."},
    )
    reason = forms.CharField(
        label="Evidence",
        min_length=3,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For example the bank statement, the provider's support or the customer. Saved in the audit log.",
    )


class CloseForm(forms.Form):
    """The explanation of a finding. A page has several of these forms, so its field ids have the finding's number."""

    note = forms.CharField(label="Explanation", min_length=3, max_length=500)

    def __init__(self, data: QueryDict | None = None, *, finding_id: int) -> None:
        super().__init__(data, auto_id=f"finding-{finding_id}-%s")
