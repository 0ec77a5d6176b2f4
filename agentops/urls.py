from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import URLPattern, URLResolver, include, path

from agentops.api import tickets as api
from agentops.web.views import chaos, dashboard, health, metrics, person, replays, runs, spending, tickets

urlpatterns: list[URLPattern | URLResolver] = [
    path("", dashboard.dashboard, name="dashboard"),
    path("chaos/", chaos.chaos, name="chaos"),
    path("", include("approvals.urls")),
    path("", include("tickets.urls")),
    path("tickets/<str:ticket_id>/", tickets.ticket_page, name="ticket"),
    path("tickets/<str:ticket_id>/reply/", tickets.reply, name="ticket-reply"),
    path("tickets/<str:ticket_id>/close/", tickets.close_ticket_view, name="ticket-close"),
    path("tickets/<str:ticket_id>/run-again/", person.start_run, name="ticket-run-again"),
    path("needs-a-person/", person.waiting_list, name="needs-a-person"),
    path("needs-a-person/<str:ticket_id>/", person.ticket_item, name="needs-a-person-ticket"),
    path("needs-a-person/<str:ticket_id>/claim/", person.claim_ticket, name="needs-a-person-claim"),
    path("needs-a-person/<str:ticket_id>/release/", person.unassign_view, name="needs-a-person-release"),
    path("policy/budgets/", spending.limits, name="policy-budgets"),
    path("policy/budgets/put/", spending.set_budget_view, name="policy-budget-put"),
    path("policy/budgets/<int:budget_id>/remove/", spending.remove_budget_view, name="policy-budget-remove"),
    path("policy/models/", spending.models, name="policy-models"),
    path("policy/models/price/", spending.enter_price_view, name="policy-model-price"),
    path("policy/models/routing/", spending.save_routing_view, name="policy-model-routing"),
    path("runs/", runs.runs, name="runs"),
    path("runs/<int:run_id>/", runs.run, name="run"),
    path("runs/<int:run_id>/trace/", runs.run_trace, name="run-trace"),
    path("runs/<int:run_id>.json", runs.run_json, name="run-json"),
    path("runs/<int:run_id>/replay/", replays.start_replay, name="run-replay"),
    path("replays/<int:replay_id>/", replays.replay_page, name="replay"),
    path("replays/<int:replay_id>.json", replays.replay_json, name="replay-json"),
    path("api/tickets", api.post_ticket, name="api-tickets"),
    path("api/tickets/<str:ticket_id>", api.get_ticket, name="api-ticket"),
    path("api/tickets/<str:ticket_id>/messages", api.post_message, name="api-messages"),
    path("login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("metrics", metrics.prometheus, name="metrics"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
