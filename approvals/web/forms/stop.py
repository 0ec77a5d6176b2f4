"""The form that stops actions of one kind, or all, with a reason."""

from django import forms

from approvals.effects.kinds import KINDS


def stoppable() -> list[tuple[str, str]]:
    return [("", "Everything"), *((kind.name, kind.label) for kind in KINDS.values())]


class StopForm(forms.Form):
    kind = forms.ChoiceField(
        label="Actions to stop",
        required=False,  # empty is everything
        choices=stoppable,
    )
    reason = forms.CharField(
        label="Reason",
        min_length=3,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Shown to everyone on every page until an admin resumes.",
    )
