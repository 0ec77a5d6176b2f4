"""A run's trace as a browser requests it, with and without htmx, and as JSON."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from agentops.models import Run, Step
from tests.integration.history_rows import FinishedRun, a_run, signed_in
from tests.screen import markup

pytestmark = pytest.mark.django_db


@pytest.fixture
def maya(db: None) -> Client:
    return signed_in()


@pytest.fixture
def finished_run(db: None) -> FinishedRun:
    return a_run()


def test_the_trace_shows_each_span_and_names_its_cuts(maya: Client, finished_run: FinishedRun) -> None:
    page = markup(maya.get(reverse("run", args=[finished_run.run.pk])))
    for name in ("get_order", "policy: needs approval", "approved", "refund, attempt 1", "refund, attempt 2", "reply"):
        assert name in page
    assert "Cut from the scale: 3 d (human wait). Nothing ran during this gap" in page
    assert "<script>alert" not in page


def test_a_step_opens_by_its_address_without_htmx(maya: Client, finished_run: FinishedRun) -> None:
    page = markup(maya.get(reverse("run", args=[finished_run.run.pk]), {"step": "1"}))
    assert "I read the order first. &lt;b&gt;Now&lt;/b&gt;" in page
    assert "answer-1" in page  # the raw response
    assert "rate_limited" in page
    assert f"{reverse('run', args=[finished_run.run.pk])}?step=2" in page


def test_an_actions_step_shows_policy_person_and_attempts(maya: Client, finished_run: FinishedRun) -> None:
    page = markup(maya.get(reverse("run", args=[finished_run.run.pk]), {"step": "3"}))
    for said in ("Above.", "Approved by maya after 3 d", "Attempt 1: outcome unknown", "Attempt 2: succeeded", "re_1"):
        assert said in page
    assert finished_run.refund.idempotency_key in page


def test_the_messages_of_a_model_call_are_shown_as_sent(maya: Client, finished_run: FinishedRun) -> None:
    page = markup(maya.get(reverse("run", args=[finished_run.run.pk]), {"step": "4"}))
    assert "messages sent" in page
    assert "The SHA-256 doesn't match the recorded one" in page  # these rows recorded none


def test_the_fragment_contains_only_the_trace(maya: Client, finished_run: FinishedRun) -> None:
    fragment = markup(maya.get(reverse("run-trace", args=[finished_run.run.pk]), {"step": "2"}))
    assert "<html" not in fragment
    assert 'id="step"' in fragment
    spans = markup(maya.get(reverse("run-trace", args=[finished_run.run.pk]), {"part": "spans"}))
    assert spans.strip().startswith("<div")
    assert 'id="step"' not in spans


def test_only_an_unfinished_run_refreshes_itself(maya: Client, finished_run: FinishedRun) -> None:
    address = reverse("run", args=[finished_run.run.pk])
    assert "every 2s" not in markup(maya.get(address))
    Run.objects.filter(pk=finished_run.run.pk).update(status="running", finished_at=None)
    assert "every 2s" in markup(maya.get(address))


@pytest.mark.parametrize("step", ["99", "-1", "x", "9" * 30])
def test_an_unknown_step_shows_the_trace(maya: Client, finished_run: FinishedRun, step: str) -> None:
    answer = maya.get(reverse("run", args=[finished_run.run.pk]), {"step": step})
    assert answer.status_code == 200
    assert 'id="step"' not in markup(answer)


def test_the_whole_run_can_be_downloaded_as_json(maya: Client, finished_run: FinishedRun) -> None:
    answer = maya.get(reverse("run-json", args=[finished_run.run.pk]))
    assert "attachment" in answer["Content-Disposition"]
    run = answer.json()
    assert [step["index"] for step in run["steps"]] == [0, 1, 2, 3, 4, 5]
    assert run["steps"][2]["error_class"] == "refused"
    assert [action["idempotency_key"] for action in run["actions"]] == [
        finished_run.refund.idempotency_key,
        finished_run.reply.idempotency_key,
    ]
    assert [attempt["outcome"] for attempt in run["actions"][0]["attempts"]] == ["effect_unknown", "succeeded"]
    assert run["actions"][0]["requests"][0]["decision"]["by"] == "maya"
    assert run["totals"]["human_wait"] == 3 * 86_400


def test_a_trace_needs_the_same_queries_at_any_length(
    maya: Client, finished_run: FinishedRun, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    Step.objects.bulk_create(
        Step(run=finished_run.run, index=index, kind="tool", name="get_order", status="done") for index in range(6, 60)
    )
    with django_assert_max_num_queries(17):
        maya.get(reverse("run", args=[finished_run.run.pk]))


def test_runs_are_found_by_outcome_and_error(maya: Client, finished_run: FinishedRun) -> None:
    Run.objects.filter(pk=finished_run.run.pk).update(reason="found me")
    for query in ({"outcome": "answered"}, {"failure": "refused"}, {"step": "get_order"}, {"status": "succeeded"}, {}):
        assert "found me" in markup(maya.get(reverse("runs"), query)), query
    for query in ({"outcome": "with_person"}, {"failure": "lost"}, {"step": "nothing"}, {"after": "1"}):
        assert "found me" not in markup(maya.get(reverse("runs"), query)), query


@pytest.mark.parametrize("name", ["run", "run-trace", "run-json"])
def test_a_nonexistent_run_is_not_found(maya: Client, name: str) -> None:
    assert maya.get(reverse(name, args=[404])).status_code == 404


@pytest.mark.parametrize("name", ["run", "run-trace", "run-json"])
def test_a_user_without_a_role_may_not_read_a_run(finished_run: FinishedRun, name: str) -> None:
    assert signed_in("nobody", "").get(reverse(name, args=[finished_run.run.pk])).status_code == 403
