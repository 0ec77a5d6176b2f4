"""What a person says after looking into something that the system cannot know by itself."""

from django import forms
from django.http import QueryDict


class SettleForm(forms.Form):
    """What became of an action whose outcome is not known."""

    happened = forms.TypedChoiceField(
        label="What became of it",
        choices=[("yes", "It happened"), ("no", "It did not happen")],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
        error_messages={"required": "Say whether it happened."},
    )
    reason = forms.CharField(
        label="How you know",
        min_length=3,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The statement, the provider's support, the customer: it stays in the audit.",
    )


class CloseForm(forms.Form):
    """What a finding was. Several are on one page: each has the finding's number in the ids of its fields."""

    note = forms.CharField(label="What it was", min_length=3, max_length=500)

    def __init__(self, data: QueryDict | None = None, *, finding_id: int) -> None:
        super().__init__(data, auto_id=f"finding-{finding_id}-%s")
