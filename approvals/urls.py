from django.urls import path

from approvals.views import actions, audit, decide, findings, policy, providers, queue, stops, unknown, webhooks

urlpatterns = [
    path("queue/", queue.queue, name="queue"),
    path("queue/<int:request_id>/", queue.item, name="queue-item"),
    path("queue/<int:request_id>/now/", queue.now, name="queue-now"),
    path("queue/<int:request_id>/approve/", decide.approve, name="queue-approve"),
    path("queue/<int:request_id>/edit/", decide.edit, name="queue-edit"),
    path("queue/<int:request_id>/reject/", decide.reject, name="queue-reject"),
    path("queue/<int:request_id>/claim/", decide.claim, name="queue-claim"),
    path("queue/<int:request_id>/release/", decide.release, name="queue-release"),
    path("queue/unknown/<int:action_id>/", unknown.item, name="queue-unknown"),
    path("queue/unknown/<int:action_id>/ask/", unknown.ask, name="queue-unknown-ask"),
    path("queue/unknown/<int:action_id>/settle/", unknown.settle, name="queue-unknown-settle"),
    path("policy/", policy.current, name="policy"),
    path("policy/edit/", policy.edit, name="policy-edit"),
    path("policy/<int:version_id>/", policy.version, name="policy-version"),
    path("policy/stop/", stops.switch, name="policy-stops"),
    path("policy/stop/now/", stops.stop, name="policy-stop"),
    path("policy/stop/<int:stop_id>/release/", stops.release, name="policy-stop-release"),
    path("providers/<str:provider>/resume/", providers.resume, name="provider-resume"),
    path("findings/", findings.findings, name="findings"),
    path("findings/compare/", findings.compare, name="findings-compare"),
    path("findings/<int:finding_id>/close/", findings.close, name="finding-close"),
    path("actions/", actions.history, name="actions"),
    path("actions/export/", actions.export, name="actions-export"),
    path("actions/<int:action_id>/", actions.detail, name="action"),
    path("audit/", audit.log, name="audit"),
    path("audit/verify/", audit.verify, name="audit-verify"),
    path("audit/export/", audit.export, name="audit-export"),
    path("webhooks/stripe", webhooks.stripe, name="webhook-stripe"),
]
