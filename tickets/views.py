from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods
from django.views.decorators.vary import vary_on_headers
from pydantic import ValidationError

from tickets import intake, queries
from tickets.forms import NewTicketForm
from tickets.models import Ticket


@require_GET
@vary_on_headers("HX-Request")
@permission_required("tickets.view_ticket", raise_exception=True)
def ticket_list(request: HttpRequest) -> HttpResponse:
    filters = queries.TicketFilters.of(request.GET)
    rows, more = queries.tickets_page(filters)
    context = {
        "filters": filters,
        "rows": rows,
        "more": filters.query(after=more) if more else "",
        "statuses": [(queries.UNFINISHED, "Not finished"), *Ticket.Status.choices],
    }
    part = "#results" if "HX-Request" in request.headers else ""
    return render(request, f"tickets/list.html{part}", context)


@require_http_methods(["GET", "POST"])
@permission_required("tickets.add_ticket", raise_exception=True)
def new_ticket(request: HttpRequest) -> HttpResponse:
    form = NewTicketForm(request.POST or None)
    if form.is_valid():
        try:
            ticket = intake.open_by_hand(**form.cleaned_data, by=request.user.get_username())
        except ValidationError as error:
            for item in error.errors():
                form.add_error(str(item["loc"][0]), item["msg"])
        else:
            messages.success(request, "Ticket created. The agent has started.")
            return redirect("ticket", ticket.pk)
    return render(request, "tickets/new.html", {"form": form}, status=422 if form.errors else 200)
