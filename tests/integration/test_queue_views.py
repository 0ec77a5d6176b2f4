"""The approval queue as a browser requests it, with and without htmx."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from approvals import states
from approvals.models import Action, ApprovalRequest, Decision, PolicyVersion, ProviderPause
from tests.screen import card_fields, markup
from tests.world import World, propose, propose_refund, ticket_of

PANE = {"HX-Request": "true", "HX-Target": "section#pane"}
LIST = {"HX-Request": "true", "HX-Target": "div#queue-list"}


def signed_in(name: str, group: str = "lead") -> Client:
    user, _ = User.objects.get_or_create(username=name)
    if group:
        user.groups.set([Group.objects.get(name=group)])
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def maya(live_database: str) -> Client:
    return signed_in("maya")


def waiting(world: World, amount: int = 8_000) -> ApprovalRequest:
    """Create a refund above the auto-approval limit."""
    return ApprovalRequest.objects.get(action=propose_refund(world.order(), amount))


def place(request: ApprovalRequest, name: str = "item") -> str:
    return reverse(f"queue-{name}", args=[request.pk])


# --- reading --------------------------------------------------------------------------------------------


def test_the_list_shows_waiting_requests_and_reasons(maya: Client, world: World) -> None:
    request = waiting(world)
    page = markup(maya.get(reverse("queue")))
    assert f'id="request-{request.pk}"' in page
    assert "$80.00" in page
    assert "Over the agent's $50.00 limit" in page


def test_the_list_is_filtered_by_the_address(maya: Client, world: World) -> None:
    one, other = waiting(world), waiting(world)
    page = markup(maya.get(reverse("queue"), {"q": one.action.order_id}))
    assert f'id="request-{one.pk}"' in page
    assert f'id="request-{other.pk}"' not in page
    assert f'id="request-{one.pk}"' not in markup(maya.get(reverse("queue"), {"currency": "JPY"}))
    assert f'id="request-{one.pk}"' not in markup(maya.get(reverse("queue"), {"kind": "reply"}))


def test_a_poll_returns_the_list_and_marks_the_open_request(maya: Client, world: World) -> None:
    request = waiting(world)
    address = f"http://testserver{place(request)}?q={request.action.order_id.replace('#', '%23')}"
    query = {"q": request.action.order_id}
    answer = markup(maya.get(reverse("queue"), query, headers={**LIST, "HX-Current-URL": address}))
    assert "<html" not in answer
    assert answer.count('aria-current="true"') == 1
    assert "#presence" in answer


def test_the_list_needs_the_same_queries_at_any_length(
    maya: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        waiting(world)
    with django_assert_max_num_queries(8):
        maya.get(reverse("queue"), headers=LIST)


def test_the_card_shows_exactly_what_would_be_sent(maya: Client, world: World) -> None:
    order = world.order()
    ticket = ticket_of(order, body="<script>alert(1)</script> <hx-partial hx-target='#pane'>refund me</hx-partial>")
    action = propose_refund(order, 8_000, ticket=ticket)
    request = ApprovalRequest.objects.get(action=action)
    page = markup(maya.get(place(request)))
    for shown in (action.idempotency_key, request.digest, order["order_id"], "$80.00", "$100.00", "It is broken."):
        assert shown in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<hx-partial hx-target=&" not in page


def test_the_order_is_read_again_for_the_open_card(maya: Client, world: World) -> None:
    order = world.order()
    request = ApprovalRequest.objects.get(action=propose_refund(order, 8_000))
    world.refund_elsewhere(order, 1_000)
    answer = markup(maya.get(place(request, "now"), headers={**PANE, "HX-Target": "section#now"}))
    assert "Changed since the proposal" in answer
    assert "$90.00" in answer
    assert f'id="request-{request.pk}"' in markup(maya.get(reverse("queue"), {"lane": "changed"}))


def test_without_the_shop_the_earlier_order_stays_visible(maya: Client, world: World, settings: Settings) -> None:
    request = waiting(world)
    settings.ORDERS_URL = "http://127.0.0.1:1"
    answer = markup(maya.get(place(request, "now"), headers={**PANE, "HX-Target": "section#now"}))
    assert "Couldn't refresh" in answer
    assert "$100.00" in answer
    refused = maya.post(place(request, "approve"), card_fields(request))
    assert refused.status_code == 503
    assert "Your decision was not applied" in markup(refused)
    assert not Decision.objects.filter(request=request).exists()


def test_an_unknown_outcome_has_its_lane_and_card(maya: Client, world: World) -> None:
    action = Action.objects.create(
        ticket=ticket_of(world.order()),
        kind="refund",
        sequence=1,
        idempotency_key="unknown:refund:1",
        status=states.UNRESOLVED,
        params={"order_id": "#W1", "payment_id": "p", "amount": 700, "currency": "USD", "reason": "Broken."},
        digest="d",
        reason="Broken.",
        target="#W1",
        amount=700,
        currency="USD",
        policy_version=PolicyVersion.objects.latest("pk"),
        verdict="auto_approve",
    )
    action.attempts.create(number=1, worker="w", outcome="effect_unknown", error_message="Time-out after 10 s")
    assert f'id="action-{action.pk}"' in markup(maya.get(reverse("queue"), {"lane": "unknown"}))
    page = markup(maya.get(reverse("queue-unknown", args=[action.pk])))
    assert "We don't know if this refund went through" in page
    assert "Time-out after 10 s" in page


@pytest.mark.parametrize(
    "query", [{"q": "\x00"}, {"currency": "\x00"}, {"kind": "\x00"}, {"after": "9" * 5000}, {"lane": "\x00"}]
)
def test_invalid_filters_are_ignored(maya: Client, query: dict[str, str]) -> None:
    assert maya.get(reverse("queue"), query).status_code == 200
    assert maya.get(reverse("queue"), {"lane": "unknown", **query}).status_code == 200


def test_a_nonexistent_request_is_not_found(maya: Client) -> None:
    assert maya.get(reverse("queue-item", args=[10**9])).status_code == 404
    assert maya.get(reverse("queue-now", args=[10**9])).status_code == 404
    assert maya.post(reverse("queue-approve", args=[10**9])).status_code == 404


# --- deciding -------------------------------------------------------------------------------------------


def test_approving_opens_the_next_request(maya: Client, world: World) -> None:
    first, second = waiting(world), waiting(world)
    answer = maya.post(place(first, "approve"), card_fields(first), follow=True)
    assert Action.objects.get(pk=first.action_id).status == states.APPROVED
    assert Decision.objects.get(request=first).by.username == "maya"
    assert answer.redirect_chain[0][0].startswith("/queue/")
    assert answer.redirect_chain[0][0] != place(first)
    assert "Approved: refund of $80.00" in markup(answer)
    assert ApprovalRequest.objects.get(pk=second.pk).closed_at is None


def test_htmx_gets_the_next_card_the_list_and_the_message(maya: Client, world: World) -> None:
    first, _second = waiting(world), waiting(world)
    answer = maya.post(place(first, "approve"), card_fields(first), headers=PANE)
    page = markup(answer)
    assert answer.status_code == 200
    assert "<html" not in page
    assert answer.headers["HX-Push-Url"] != place(first)
    assert 'hx-target="#queue-list"' in page
    assert "Approved: refund of $80.00" in page
    assert f'id="request-{first.pk}"' not in page


def test_a_late_decision_names_who_decided_first(maya: Client, world: World) -> None:
    request = waiting(world)
    maya.post(place(request, "reject"), card_fields(request, reason="No photo."))
    late = signed_in("tom").post(place(request, "approve"), card_fields(request), headers=PANE)
    assert late.status_code == 409
    assert "maya already rejected this" in markup(late)
    assert Decision.objects.filter(request=request).count() == 1


def test_a_changed_order_is_shown_before_the_decision(maya: Client, world: World) -> None:
    order = world.order()
    request = ApprovalRequest.objects.get(action=propose_refund(order, 8_000))
    world.refund_elsewhere(order, 1_000)
    answer = maya.post(place(request, "approve"), card_fields(request))
    assert answer.status_code == 409
    assert "changed after you opened it" in markup(answer)
    assert "Changed since the proposal" in markup(answer)
    assert not Decision.objects.filter(request=request).exists()
    assert maya.post(place(request, "approve"), card_fields(request)).status_code == 302


def test_a_decision_on_an_outdated_view_must_be_repeated(maya: Client, world: World) -> None:
    request = waiting(world)
    answer = maya.post(place(request, "approve"), card_fields(request, seen="of yesterday"))
    assert answer.status_code == 409
    assert not Decision.objects.filter(request=request).exists()


def test_an_edit_is_entered_in_major_units(maya: Client, world: World) -> None:
    request = waiting(world)
    form = {"edit-amount": "40.50", "edit-reason": "It is broken."}
    answer = maya.post(place(request, "edit"), card_fields(request, **form), follow=True)
    assert Action.objects.get(pk=request.action_id).amount == 4_050
    assert "Edited and approved: refund of $40.50" in markup(answer)


@pytest.mark.parametrize(
    ("amount", "said"),
    [("80.00", "Nothing was changed"), ("1.005", "more decimals"), ("", "required"), ("101", "can still be refunded")],
)
def test_an_invalid_edit_stays_open_with_its_error(maya: Client, world: World, amount: str, said: str) -> None:
    request = waiting(world)
    form = {"edit-amount": amount, "edit-reason": "It is broken."}
    answer = maya.post(place(request, "edit"), card_fields(request, **form), headers=PANE)
    page = markup(answer)
    assert answer.status_code == 422
    assert said in page
    assert 'id="edit-fold" name="decide" class="i-fold" open' in page
    assert not Decision.objects.filter(request=request).exists()


def test_rejecting_in_the_browser_needs_a_reason(maya: Client, world: World) -> None:
    request = waiting(world)
    assert maya.post(place(request, "reject"), card_fields(request, reason=" ")).status_code == 422
    maya.post(place(request, "reject"), card_fields(request, reason="The photos show another product."))
    assert Decision.objects.get(request=request).reason == "The photos show another product."


def test_a_reply_awaiting_approval_shows_its_claims(maya: Client, world: World) -> None:
    words = {"text": "We have refunded $50.00.", "claims": [], "reason": "Answers it."}
    request = ApprovalRequest.objects.get(action=propose(ticket_of(world.order()), "reply", words))
    page = markup(maya.get(place(request)))
    assert "Unverified claims" in page
    assert "We have refunded $50.00." in page
    maya.post(place(request, "edit"), card_fields(request, **{"edit-text": "We are\r\nlooking into it."}))
    assert Action.objects.get(pk=request.action_id).params["text"] == "We are\nlooking into it."


def test_claiming_is_visible_to_colleagues(maya: Client, world: World) -> None:
    request = waiting(world)
    maya.post(place(request, "claim"))
    assert "Assigned to <strong>maya</strong>" in markup(signed_in("tom").get(place(request)))
    assert f'id="request-{request.pk}"' in markup(maya.get(reverse("queue"), {"lane": "mine"}))
    maya.post(place(request, "release"), headers=LIST)
    assert ApprovalRequest.objects.get(pk=request.pk).claimed_by is None


# --- access ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["auditor", "admin"])
def test_a_reader_sees_the_card_without_buttons(world: World, group: str) -> None:
    request = waiting(world)
    reader = signed_in(f"a-{group}", group)
    page = markup(reader.get(place(request)))
    assert request.action.idempotency_key in page
    assert "data-approve" not in page
    for name in ("approve", "edit", "reject", "claim", "release"):
        assert reader.post(place(request, name), card_fields(request, reason="No.")).status_code == 403


def test_a_user_without_a_role_sees_an_explanation(live_database: str) -> None:
    answer = signed_in("stranger", "").get(reverse("queue"))
    assert answer.status_code == 403
    assert "doesn't have a role yet" in markup(answer)


def test_a_link_cannot_decide(maya: Client, world: World) -> None:
    request = waiting(world)
    for name in ("approve", "edit", "reject", "claim", "release"):
        assert maya.get(place(request, name)).status_code == 405
    assert Client().get(place(request)).headers["Location"].startswith("/login/")


def test_everyone_sees_a_paused_provider_and_admins_resume_it(maya: Client) -> None:
    ProviderPause.objects.create(provider="payments", reason="401 from the provider")
    assert "Payments is paused" in markup(maya.get(reverse("queue")))
    resume = reverse("provider-resume", args=["payments"])
    assert maya.post(resume).status_code == 403
    admin = signed_in("ada", "admin")
    assert "Payments is resumed" in markup(admin.post(resume, follow=True))
    assert not ProviderPause.objects.exists()
