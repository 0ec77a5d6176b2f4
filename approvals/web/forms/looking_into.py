"""What a person says after looking into something that the system cannot know by itself."""

from django import forms
from django.http import QueryDict


class SettleForm(forms.Form):
    """What became of an action whose outcome is not known."""

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
    """What a finding was. Several are on one page: each has the finding's number in the ids of its fields."""

    note = forms.CharField(label="Explanation", min_length=3, max_length=500)

    def __init__(self, data: QueryDict | None = None, *, finding_id: int) -> None:
        super().__init__(data, auto_id=f"finding-{finding_id}-%s")
