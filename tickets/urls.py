"""The list and the form. A ticket's own page shows its runs as well: it lives on the top floor."""

from django.urls import path

from tickets import views

urlpatterns = [
    path("tickets/", views.ticket_list, name="tickets"),
    path("tickets/new/", views.new_ticket, name="ticket-new"),
]
