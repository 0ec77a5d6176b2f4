"""A replay as people start and see it, and from the command line."""

import json
from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from agentops.models import Replay, Run
from agentops.replays import running
from approvals.models import Action, AuditEvent
from tests.completions import claims_a_refund_of, replies, triage, uses
from tests.integration.history_rows import signed_in
from tests.screen import markup
from tests.scripted import Script
from tests.world import World, refund_arguments, run_through, ticket_of


@pytest.fixture
def lead(world: World) -> Client:
    return signed_in("lead", "lead")


@pytest.fixture
def run(world: World, model: Script) -> Run:
    order = world.order()
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}))
    model.will_say(uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    return run_through(ticket_of(order, "<b>It</b> is broken."))


def asked(client: Client, run: Run, **said: Any) -> Replay:
    answer = client.post(reverse("run-replay", args=[run.pk]), {"mode": "recorded", **said})
    replay = Replay.objects.latest("pk")
    assert answer.headers["Location"] == reverse("replay", args=[replay.pk])
    return replay


def test_a_lead_starts_a_replay_that_equals_its_recording(lead: Client, run: Run) -> None:
    assert "Replay this run" in markup(lead.get(reverse("run", args=[run.pk]), {"replay": ""}))
    replay = asked(lead, run)
    moving = markup(lead.get(reverse("replay", args=[replay.pk])))
    assert "Running" in moving
    assert "every 1s" in moving
    running.advance_replay(replay.pk)
    page = markup(lead.get(reverse("replay", args=[replay.pk])))
    assert "Every step is identical" in page
    assert "every 1s" not in page
    assert AuditEvent.objects.filter(verb="run.replayed", object_id=str(run.pk)).latest("pk").actor == "lead"


def test_differences_are_shown_side_by_side(lead: Client, run: Run, model: Script) -> None:
    replay = asked(lead, run, mode="model")
    model.will_say(triage(), replies("<script>alert(1)</script> No refund."))
    running.advance_replay(replay.pk)
    page = markup(lead.get(reverse("replay", args=[replay.pk])))
    assert "is not proposed (no decision by a person)" in page
    assert "Not in the replay" in page
    assert "<script>alert" not in page
    whole = lead.get(reverse("replay-json", args=[replay.pk])).json()
    assert whole["replay"]["result"] == "different"
    assert any(row["now"] is None for row in whole["rows"])


@pytest.mark.parametrize(
    ("said", "explained"),
    [
        ({"mode": "backwards"}, "Mode:"),
        ({"mode": "model", "policy_version": "999999"}, "Policy:"),
        ({"mode": "model", "llm_model": "unheard-of"}, "has no price"),
        ({"mode": "recorded", "llm_model": "gpt-5"}, "use another model, prompt or policy"),
    ],
)
def test_an_impossible_request_is_explained_and_starts_nothing(
    lead: Client, run: Run, said: dict[str, str], explained: str
) -> None:
    before = Replay.objects.count()
    page = markup(lead.post(reverse("run-replay", args=[run.pk]), said, follow=True))
    assert explained in page
    assert Replay.objects.count() == before


def test_the_command_replays_one_run(run: Run) -> None:
    out = StringIO()
    call_command("replay", str(run.pk), stdout=out)
    assert f"of run {run.pk}: same" in out.getvalue()


def test_the_command_exits_with_an_error_on_a_difference(run: Run) -> None:
    Action.objects.filter(run_id=run.pk, kind="refund").update(verdict="require_approval")
    out = StringIO()
    with pytest.raises(CommandError, match="1 differ from their recording"):
        call_command("replay", str(run.pk), "--json", stdout=out)
    assert json.loads(out.getvalue())["counts"]["different"] == 1


def test_the_command_replays_the_same_sample_each_time(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = []
    for _ in range(2):
        out = StringIO()
        with suppress(CommandError):  # a run of an earlier test differs on purpose
            call_command("replay", "--since", "14d", "--sample", "2", "--seed", "7", "--json", stdout=out)
        chosen.append([row["run_id"] for row in json.loads(out.getvalue())["replays"]])
    assert chosen[0] == chosen[1]
    assert "replaying [" in capsys.readouterr().err


def test_the_command_counts_an_unreachable_model_as_failed(run: Run, settings: Settings) -> None:
    settings.OPENAI_BASE_URL, settings.RETRY_BASE_SECONDS = "http://127.0.0.1:9/v1", 0.0
    for given in ([str(run.pk), "--mode", "model"], ["--since", "14d", "--sample", "2", "--llm-model", "gpt-5"]):
        out = StringIO()
        with pytest.raises(CommandError, match="failed to replay"):
            call_command("replay", *given, stdout=out)
        assert "connection_lost" in out.getvalue()
        counted = {line.split()[0]: line.split()[1] for line in out.getvalue().splitlines() if len(line.split()) == 2}
        assert [counted[name] for name in ("same", "different", "better", "worse")] == ["0"] * 4
        assert counted["failed"] in ("1", "2")


@pytest.mark.parametrize("given", [[], ["1000000"], ["1", "--since", "14d"], ["1", "--prompt", "/nowhere"]])
def test_the_command_lists_valid_values(world: World, given: list[str]) -> None:
    with pytest.raises(CommandError, match=r"Name one run|There is no run|Can't read"):
        call_command("replay", *given)
