"""Which effects are stopped, and why."""

from django import forms

from approvals.kinds import KINDS


class StopForm(forms.Form):
    kind = forms.ChoiceField(
        label="What",
        required=False,  # empty is everything
        choices=[("", "Everything"), *((kind.name, kind.label) for kind in KINDS.values())],
    )
    reason = forms.CharField(
        label="Why",
        min_length=3,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Everyone sees it, on every page, until the stop is released.",
    )
