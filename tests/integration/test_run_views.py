"""A run's trace as a browser asks for it, with and without htmx, and as JSON."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from agentops.models import Run, Step
from tests.integration.history_rows import Told, a_run, signed_in
from tests.screen import markup

pytestmark = pytest.mark.django_db


@pytest.fixture
def maya(db: None) -> Client:
    return signed_in()


@pytest.fixture
def told(db: None) -> Told:
    return a_run()


def test_the_trace_shows_each_span_and_says_what_is_cut_out(maya: Client, told: Told) -> None:
    page = markup(maya.get(reverse("run", args=[told.run.pk])))
    for name in ("get_order", "policy: a person", "approved", "refund, attempt 1", "refund, attempt 2", "reply"):
        assert name in page
    assert "Cut from the scale: 3 d (human wait). Nothing ran during this gap" in page
    assert "<script>alert" not in page


def test_a_step_opens_by_its_address_without_htmx(maya: Client, told: Told) -> None:
    page = markup(maya.get(reverse("run", args=[told.run.pk]), {"step": "1"}))
    assert "I read the order first. &lt;b&gt;Now&lt;/b&gt;" in page
    assert "answer-1" in page  # the raw response
    assert "rate_limited" in page
    assert f"{reverse('run', args=[told.run.pk])}?step=2" in page


def test_a_step_of_an_action_shows_policy_person_and_each_attempt(maya: Client, told: Told) -> None:
    page = markup(maya.get(reverse("run", args=[told.run.pk]), {"step": "3"}))
    for said in ("Above.", "Approved by maya after 3 d", "Attempt 1: effect unknown", "Attempt 2: succeeded", "re_1"):
        assert said in page
    assert told.refund.idempotency_key in page


def test_the_messages_of_a_model_call_are_shown_as_sent(maya: Client, told: Told) -> None:
    page = markup(maya.get(reverse("run", args=[told.run.pk]), {"step": "4"}))
    assert "messages sent" in page
    assert "The SHA-256 doesn't match the recorded one" in page  # these rows recorded none


def test_the_fragment_is_the_trace_alone(maya: Client, told: Told) -> None:
    fragment = markup(maya.get(reverse("run-trace", args=[told.run.pk]), {"step": "2"}))
    assert "<html" not in fragment
    assert 'id="step"' in fragment
    spans = markup(maya.get(reverse("run-trace", args=[told.run.pk]), {"part": "spans"}))
    assert spans.strip().startswith("<div")
    assert 'id="step"' not in spans


def test_only_a_run_that_is_not_over_asks_for_itself_again(maya: Client, told: Told) -> None:
    address = reverse("run", args=[told.run.pk])
    assert "every 2s" not in markup(maya.get(address))
    Run.objects.filter(pk=told.run.pk).update(status="running", finished_at=None)
    assert "every 2s" in markup(maya.get(address))


@pytest.mark.parametrize("step", ["99", "-1", "x", "9" * 30])
def test_an_unknown_step_shows_the_trace(maya: Client, told: Told, step: str) -> None:
    answer = maya.get(reverse("run", args=[told.run.pk]), {"step": step})
    assert answer.status_code == 200
    assert 'id="step"' not in markup(answer)


def test_the_whole_run_is_a_json_download(maya: Client, told: Told) -> None:
    answer = maya.get(reverse("run-json", args=[told.run.pk]))
    assert "attachment" in answer["Content-Disposition"]
    run = answer.json()
    assert [step["index"] for step in run["steps"]] == [0, 1, 2, 3, 4, 5]
    assert run["steps"][2]["error_class"] == "refused"
    assert [action["idempotency_key"] for action in run["actions"]] == [
        told.refund.idempotency_key,
        told.reply.idempotency_key,
    ]
    assert [attempt["outcome"] for attempt in run["actions"][0]["attempts"]] == ["effect_unknown", "succeeded"]
    assert run["actions"][0]["requests"][0]["decision"]["by"] == "maya"
    assert run["totals"]["human_wait"] == 3 * 86_400


def test_a_trace_costs_the_same_however_long_it_is(
    maya: Client, told: Told, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    Step.objects.bulk_create(
        Step(run=told.run, index=index, kind="tool", name="get_order", status="done") for index in range(6, 60)
    )
    with django_assert_max_num_queries(17):
        maya.get(reverse("run", args=[told.run.pk]))


def test_runs_are_found_by_how_they_ended_and_by_what_failed_in_them(maya: Client, told: Told) -> None:
    Run.objects.filter(pk=told.run.pk).update(reason="found me")
    for query in ({"outcome": "answered"}, {"failure": "refused"}, {"step": "get_order"}, {"status": "succeeded"}, {}):
        assert "found me" in markup(maya.get(reverse("runs"), query)), query
    for query in ({"outcome": "with_person"}, {"failure": "lost"}, {"step": "nothing"}, {"after": "1"}):
        assert "found me" not in markup(maya.get(reverse("runs"), query)), query


@pytest.mark.parametrize("name", ["run", "run-trace", "run-json"])
def test_a_run_that_is_not_there_is_not_found(maya: Client, name: str) -> None:
    assert maya.get(reverse(name, args=[404])).status_code == 404


@pytest.mark.parametrize("name", ["run", "run-trace", "run-json"])
def test_a_user_of_no_group_may_not_read_a_run(told: Told, name: str) -> None:
    assert signed_in("nobody", "").get(reverse(name, args=[told.run.pk])).status_code == 403
