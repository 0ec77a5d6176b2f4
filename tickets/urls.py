"""URLs of the ticket list and the new-ticket form. The ticket's own page shows runs too, so it is in `agentops`."""

from django.urls import path

from tickets import views

urlpatterns = [
    path("tickets/", views.ticket_list, name="tickets"),
    path("tickets/new/", views.new_ticket, name="ticket-new"),
]
