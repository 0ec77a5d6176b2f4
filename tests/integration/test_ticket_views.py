"""Tickets: the list, the form, and a ticket's page."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from agentops.models import Run
from approvals.models import AuditEvent
from tests.integration.history_rows import a_run, a_ticket, an_action, asked, signed_in
from tests.screen import markup
from tickets import incoming, intake, queries
from tickets.models import Customer, Message, Ticket

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def maya(db: None) -> Client:
    return signed_in()


def listed(client: Client, **query: str) -> str:
    return markup(client.get(reverse("tickets"), query))


def test_tickets_are_listed_newest_first_with_status_and_reason(maya: Client) -> None:
    a_ticket("An old one", ago=timedelta(days=2))
    a_ticket("A new one", status="needs_person", reason="They want a person.")
    page = listed(maya)
    assert page.index("A new one") < page.index("An old one")
    assert "They want a person." in page


@pytest.mark.parametrize("by", ["subject", "email", "start of email", "name", "id", "external id"])
def test_a_ticket_is_found_by_any_known_detail(maya: Client, by: str) -> None:
    wanted, _other = a_ticket("Needle in the hay"), a_ticket("Something else")
    words = {
        "subject": "needle",
        "email": wanted.customer.email.upper(),
        "start of email": f"{wanted.customer.email[:-4]}",
        "name": "kim d",
        "id": wanted.pk.upper(),
        "external id": wanted.external_id,
    }
    assert "Needle in the hay" in listed(maya, q=words[by])
    assert "Needle in the hay" not in listed(maya, q="no such thing")
    if by != "name":
        assert "Something else" not in listed(maya, q=words[by])


def test_the_list_is_filtered_by_status(maya: Client) -> None:
    a_ticket("Waits", status="awaiting_approval")
    a_ticket("Is answered")
    page = listed(maya, status="awaiting_approval")
    assert "Waits" in page
    assert "Is answered" not in page
    assert "Is answered" in listed(maya, status="nonsense")
    assert "Waits" in listed(maya, status="unfinished")
    assert "Is answered" not in listed(maya, status="unfinished")


def test_ticket_pages_neither_skip_nor_repeat_tickets(db: None) -> None:
    same_moment = Ticket.objects.filter(pk__in=[a_ticket().pk for _ in range(2 * queries.PAGE + 2)])
    same_moment.update(created_at=same_moment.latest("created_at").created_at)
    seen, after = [], ""
    for _ in range(3):
        rows, after = queries.tickets_page(queries.TicketFilters(after=after))
        seen += [row.pk for row in rows]
    assert after == ""
    assert seen == sorted(same_moment.values_list("pk", flat=True), reverse=True)


def test_text_search_covers_only_the_newest_tickets(db: None) -> None:
    old = a_ticket("Lamp of old", ago=timedelta(days=9))
    new = [a_ticket(f"Lamp {day}", ago=timedelta(days=day)) for day in range(3)]
    tickets = Ticket.objects.all()
    assert old not in queries.search(tickets, "lamp", depth=2)
    assert set(queries.search(tickets, "lamp", depth=3)) == {*new, old}
    assert set(queries.search(tickets, old.pk, depth=2)) == {old}


def test_htmx_gets_only_the_results(maya: Client) -> None:
    answer = maya.get(reverse("tickets"), headers=HTMX)
    assert "<html" not in markup(answer)
    assert "HX-Request" in answer["Vary"]


def test_a_tickets_page_shows_messages_and_actions_in_order(maya: Client) -> None:
    finished = a_run()
    Message.objects.create(ticket=finished.ticket, direction="outbound", external_id="out", body="It is refunded.")
    page = markup(maya.get(reverse("ticket", args=[finished.ticket.pk])))
    order = [page.index(text) for text in ("My lamp is broken.", "Run 1", "Refund $42.00", "It is refunded.")]
    assert order == sorted(order)
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page


def test_a_ticket_shows_why_a_person_is_needed(maya: Client) -> None:
    ticket = a_ticket(status="needs_person", reason="They threaten to sue.")
    assert "They threaten to sue." in markup(maya.get(reverse("ticket", args=[ticket.pk])))
    ticket = a_ticket(status="awaiting_approval")
    request = asked(an_action(ticket, status="awaiting_approval"))
    an_action(ticket, status="unresolved")
    page = markup(maya.get(reverse("ticket", args=[ticket.pk])))
    assert reverse("queue-item", args=[request.pk]) in page
    assert "outcome unknown" in page


def test_a_lead_closes_a_ticket_and_a_message_reopens_it(maya: Client) -> None:
    ticket = a_ticket(status="needs_person", reason="They want a person.")
    page = reverse("ticket", args=[ticket.pk])
    assert "Close ticket" in markup(maya.get(page))
    for _ in range(2):
        assert maya.post(reverse("ticket-close", args=[ticket.pk])).headers["Location"] == page
    ticket.refresh_from_db()
    assert (ticket.status, ticket.reason) == ("closed", "")
    [event] = AuditEvent.objects.filter(object_type="ticket", object_id=ticket.pk)
    assert (event.actor, event.verb, event.before["status"], event.after["status"]) == (
        "maya",
        "ticket.closed",
        "needs_person",
        "closed",
    )
    assert "Close ticket" not in markup(maya.get(page))
    again = incoming.NewMessage(ticket_id=ticket.pk, external_id="again", body="It is still broken.")
    intake.receive_message(ticket.pk, again)
    ticket.refresh_from_db()
    assert ticket.status == "open"


def test_a_ticket_with_work_in_progress_cannot_be_closed(maya: Client) -> None:
    at_work = a_run("running").ticket
    asks, unknown, sends = (a_ticket(status="answered") for _ in range(3))
    for ticket, status in ((asks, "awaiting_approval"), (unknown, "unresolved"), (sends, "approved")):
        an_action(ticket, status=status)
    for ticket in (at_work, asks, unknown, sends):
        before = Ticket.objects.get(pk=ticket.pk).status
        page = markup(maya.post(reverse("ticket-close", args=[ticket.pk]), follow=True))
        assert "Not closed." in page
        assert Ticket.objects.get(pk=ticket.pk).status == before
    assert not AuditEvent.objects.filter(verb="ticket.closed").exists()


@pytest.mark.parametrize("name", ["ticket", "ticket-reply", "ticket-close"])
def test_a_ticket_page_id_containing_a_nul_is_not_found(maya: Client, name: str) -> None:
    address = reverse(name, args=["\x00"])
    assert (maya.get(address) if name == "ticket" else maya.post(address)).status_code == 404


def test_a_direction_override_ends_with_the_name(maya: Client) -> None:
    ticket = a_ticket()
    Customer.objects.filter(pk=ticket.customer_id).update(name="Kim \u202eeoD")
    page = markup(maya.get(reverse("ticket", args=[ticket.pk])))
    assert f"<bdi>Kim \u202eeoD</bdi> &lt;<bdi>{ticket.customer.email}</bdi>&gt;" in page


def test_only_a_ticket_in_progress_refreshes_itself(maya: Client) -> None:
    finished = a_run()
    address = reverse("ticket", args=[finished.ticket.pk])
    assert "every 3s" not in markup(maya.get(address))
    Ticket.objects.filter(pk=finished.ticket.pk).update(status="working")
    assert "every 3s" in markup(maya.get(address, headers=HTMX))


def test_a_lead_opens_a_ticket_manually(maya: Client) -> None:
    form = {"customer_email": "Kim@Example.com", "customer_name": "Kim", "subject": "Lamp", "body": "It is broken."}
    answer = maya.post(reverse("ticket-new"), form)
    ticket = Ticket.objects.get(customer__email="kim@example.com")
    assert answer.headers["Location"] == reverse("ticket", args=[ticket.pk])
    assert ticket.messages.get().body == "It is broken."


@pytest.mark.parametrize("field", ["customer_email", "subject", "body"])
def test_an_incomplete_form_is_reported_and_keeps_its_values(maya: Client, field: str) -> None:
    form = {"customer_email": "kim@example.com", "customer_name": "Kim Doe", "subject": "Lamp", "body": "Broken."}
    answer = maya.post(reverse("ticket-new"), {**form, field: "  "})
    assert answer.status_code == 422
    assert "errorlist" in markup(answer)
    assert "Kim Doe" in markup(answer)
    assert not Ticket.objects.exists()


def test_an_auditor_may_read_tickets_but_not_open_one(db: None) -> None:
    auditor = signed_in("ines", "auditor")
    assert "New ticket" not in listed(auditor)
    assert auditor.get(reverse("ticket-new")).status_code == 403
    assert auditor.post(reverse("ticket-new"), {}).status_code == 403
    assert Run.objects.count() == 0


def test_a_lead_writes_to_the_customer(maya: Client) -> None:
    ticket = a_ticket(status="needs_person")
    address = reverse("ticket-reply", args=[ticket.pk])
    answer = maya.post(address, {"text": "  "})
    assert answer.status_code == 422
    assert 'role="alert"' in markup(answer)
    assert maya.post(address, {"text": "We are looking into it."}).status_code == 302
    action = ticket.actions.get()
    assert (action.kind, action.status, action.params["text"]) == ("reply", "approved", "We are looking into it.")
    assert signed_in("ines", "auditor").post(address, {"text": "x"}).status_code == 403


def test_repeating_the_same_text_reports_the_earlier_ones_status(maya: Client) -> None:
    ticket = a_ticket(status="needs_person")
    address, said = reverse("ticket-reply", args=[ticket.pk]), {"text": "We are looking into it."}
    assert "is being sent" in markup(maya.post(address, said, follow=True))
    reply = ticket.actions.filter(kind="reply")
    reply.update(status="executing", lease_expires_at=Now(), fence=1)
    for stands, expected in (
        ("unresolved", "we don't know yet if"),
        ("succeeded", "The customer already has this reply"),
    ):
        reply.update(status=stands, lease_expires_at=None)
        assert expected in markup(maya.post(address, said, follow=True))
    assert reply.count() == 1


# --- a message's parts ----------------------------------------------------------------------------------


def test_quoted_history_is_folded_and_marks_and_files_are_shown(maya: Client) -> None:
    body = "Please stop.\n\nOn Mon, 30 Nov 2026 at 10:12, Shop <help@shop.example> wrote:\n> Shall we?\n"
    ticket = intake.receive_ticket(
        incoming.NewTicket(
            source="zendesk",
            external_id="parts",
            customer_email="parts@example.com",
            subject="Mug",
            body=body,
            tags=["VIP"],
        )
    )[0]
    files = [
        {"name": "mug.jpg", "content_type": "image/jpeg", "size": 2048, "url": "https://desk.example/mug.jpg"},
        {"name": "bad.html", "content_type": "text/html", "size": 1, "url": "javascript:alert(1)"},
    ]
    Message.objects.filter(ticket=ticket).update(attachments=files, automatic="auto_reply", sender="sam@example.com")
    page = markup(maya.get(reverse("ticket", args=[ticket.pk])))
    new, _, quoted = page.partition('<summary class="small muted">Quoted history</summary>')
    assert "Please stop." in new
    assert "&gt; Shall we?" in quoted
    assert 'href="https://desk.example/mug.jpg"' in page
    assert "javascript:" not in page
    assert "bad.html" in page
    for shown in ("VIP", "Automatic reply (out of office)", "sam@example.com"):
        assert shown in page


def test_a_ticket_is_found_by_either_spelling_of_its_domain(maya: Client) -> None:
    ticket = a_ticket("Umlaut")
    Customer.objects.filter(pk=ticket.customer_id).update(email="kim@m\u00fcller.example")
    for words in ("kim@m\u00fcller.example", "Kim@xn--mller-kva.example", "kim@m\u00fcl"):
        assert "Umlaut" in listed(maya, q=words)
