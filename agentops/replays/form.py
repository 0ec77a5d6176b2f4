"""The form that starts a replay."""

from typing import Any

from django import forms

from agentops.models import ModelPrice, Replay
from agentops.replays.queueing import MAX_PROMPT
from approvals.models import PolicyVersion

_VERSIONS = 50


class ReplayForm(forms.Form):
    """The variables of a replay. An empty field means today's routing, policy or prompt."""

    mode = forms.ChoiceField(choices=Replay.Mode.choices, initial=Replay.Mode.RECORDED, label="Mode")
    llm_model = forms.CharField(
        max_length=100, required=False, label="Model", widget=forms.TextInput(attrs={"list": "replay-models"})
    )
    policy_version = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label="Policy")
    prompt = forms.CharField(
        max_length=MAX_PROMPT, required=False, label="Prompt", widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = PolicyVersion.objects.order_by("-pk").values_list("pk", "note")[:_VERSIONS]
        named = [(pk, f"Version {pk}: {note[:60]}") for pk, note in versions]
        choices = [("", "Current version"), *named]
        self.fields["policy_version"].choices = choices  # type: ignore[attr-defined]  # typed as a plain Field

    @property
    def models(self) -> list[str]:
        """Models with a price, as suggestions."""
        return list(ModelPrice.objects.order_by("model").values_list("model", flat=True).distinct())
