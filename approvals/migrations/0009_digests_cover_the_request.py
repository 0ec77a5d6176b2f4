"""The digest of what may still be sent covers the key and the request's bytes as well (approvals.frozen).

What is settled keeps the digest that its decision names. A row whose parameters are not those of its digest, or whose
request is not the one that its parameters give, keeps its old digest too: it is not as it was approved, and execution
refuses it. Workers are stopped while this runs: the old code refuses a new digest, and the new code an old one.
"""

import hashlib
import json

from django.db import migrations

MAY_BE_SENT = ("proposed", "awaiting_approval", "approved", "executing")


def sha256(value):
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def bind(apps, schema_editor):
    actions = apps.get_model("approvals", "Action").objects
    requests = apps.get_model("approvals", "ApprovalRequest").objects
    for action in actions.filter(status__in=MAY_BE_SENT).select_related("ticket").iterator():
        if not as_approved(action):
            continue
        digest = sha256(
            {
                "kind": action.kind,
                "key": action.idempotency_key,
                "params": action.params,
                "request": action.request,
            }
        )
        requests.filter(action=action, closed_at__isnull=True, digest=action.digest).update(digest=digest)
        actions.filter(pk=action.pk).update(digest=digest)


def as_approved(action):
    try:
        return sha256(action.params) == action.digest and json.loads(action.request) == request_of(action)
    except (ValueError, KeyError):
        return False


def request_of(action):
    """As approvals wrote it until now."""
    params, key, ticket = action.params, action.idempotency_key, action.ticket
    return {
        "refund": lambda: {**params, "reference": key},
        "cancel_order": lambda: {"reference": key, "reason": params["reason"]},
        "account_change": lambda: {name: params[name] for name in ("email", "name", "address") if params.get(name)},
        "reply": lambda: {
            "source": ticket.source,
            "external_id": ticket.external_id,
            "ticket_id": ticket.pk,
            "message_id": key,
            "to": params["to"],
            "subject": params["subject"],
            "body": params["text"],
        },
    }[action.kind]()


class Migration(migrations.Migration):
    dependencies = [("approvals", "0008_seals_and_notifications")]
    operations = [migrations.RunPython(bind, migrations.RunPython.noop)]
