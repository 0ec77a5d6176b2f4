"""The signed intake API (docs/contracts/intake.yaml). Signatures follow Standard Webhooks."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from pydantic import BaseModel, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from agentops.api import limits
from agentops.models import Run
from approvals.models import Action
from tickets import incoming, intake, queries
from tickets.models import Message

MAX_BODY_BYTES = 1024 * 1024
View = Callable[..., JsonResponse]


def error(status: int, code: str, message: str, details: dict[str, Any] | None = None) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message, "details": details or {}}}, status=status)


def signed(view: View) -> View:
    """Allow only requests signed with INTAKE_SIGNING_SECRET within the last five minutes."""

    # The signature replaces both the login and the CSRF token, which only browsers have.
    @csrf_exempt
    @login_not_required
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        length = request.headers.get("Content-Length") or ""
        if length and not length.isdecimal():
            return error(400, "invalid_request", "Content-Length must be a number.")
        if not length and "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            # The server doesn't mark the end of its input (wsgi.py), so Django would read an empty body.
            return error(400, "invalid_request", "Send the body with a Content-Length header, not in chunks.")
        # Check the declared length first, so that a large body is refused before it is read.
        if int(length or 0) > MAX_BODY_BYTES or len(request.body) > MAX_BODY_BYTES:
            return error(413, "too_large", f"The body must not be larger than {MAX_BODY_BYTES:,} bytes.")
        if not settings.INTAKE_SIGNING_SECRET:
            return error(401, "no_secret", "INTAKE_SIGNING_SECRET is not set, so no request can be accepted.")
        try:
            Webhook(settings.INTAKE_SIGNING_SECRET).verify(request.body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, EmptyWebhookSecretError, ValueError) as problem:
            # ValueError: the signature, the body or the secret isn't text
            return error(401, "bad_signature", f"The signature is invalid: {problem}")
        if limits.is_replay(
            webhook_id=request.headers["webhook-id"], method=str(request.method), path=request.path, body=request.body
        ):
            return error(401, "replayed", "This webhook-id was used for another request. Use a new one each time.")
        return view(request, *args, **kwargs)

    return checked


@signed
@require_POST
def post_ticket(request: HttpRequest) -> JsonResponse:
    delivered = _read(incoming.NewTicket, request)
    if isinstance(delivered, JsonResponse):
        return delivered
    if wait := limits.seconds_to_wait(source=delivered.source, customer=delivered.customer_email):
        return _too_many(wait)
    ticket, new = intake.receive_ticket(delivered)
    url = settings.PUBLIC_URL + reverse("ticket", args=[ticket.pk])
    body = {"ticket_id": ticket.pk, "status": ticket.status, "url": url}
    return JsonResponse(body, status=201 if new else 200)


@signed
@require_POST
def post_message(request: HttpRequest, ticket_id: str) -> JsonResponse:
    delivered = _read(incoming.NewMessage, request)
    if isinstance(delivered, JsonResponse):
        return delivered
    if delivered.ticket_id != ticket_id:
        return _invalid({"ticket_id": f"must be the ticket in the address, {ticket_id}"})
    ticket = queries.find_ticket(ticket_id)
    if ticket is None:
        return _no_ticket(ticket_id)
    if wait := limits.seconds_to_wait(source=ticket.source, customer=ticket.customer.email):
        return _too_many(wait)
    message, new = intake.receive_message(ticket_id, delivered)
    # The first run, because a person may have started another one on the same message. None: no run takes it up.
    run = Run.objects.filter(ticket_id=ticket_id, through_message=message.pk).order_by("number").first()
    return JsonResponse({"message_id": message.pk, "run_id": run and run.pk}, status=201 if new else 200)


@signed
@require_GET
def get_ticket(request: HttpRequest, ticket_id: str) -> JsonResponse:
    if not request.headers["webhook-id"].startswith(f"{ticket_id}."):
        text = "The webhook-id of a GET must begin with the ticket's id and a dot, so that it reads this ticket only."
        return error(401, "bad_signature", text)
    found = queries.find_ticket(ticket_id)
    if found is None:
        return _no_ticket(ticket_id)
    return JsonResponse(
        {
            "ticket_id": found.pk,
            "source": found.source,
            "external_id": found.external_id,
            "status": found.status,
            "reason": found.reason,
            "runs": [_run(row) for row in Run.objects.filter(ticket=found).order_by("number")],
            "actions": [_action(row) for row in Action.objects.filter(ticket=found).order_by("pk")],
            "messages": [_message(row) for row in found.messages.all()],
        }
    )


def _run(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.pk,
        "status": run.status,
        "turns": run.turns,
        "cost_usd": str(run.cost_usd),
        "tokens": run.tokens,
    }


def _action(action: Action) -> dict[str, Any]:
    return {
        "action_id": action.pk,
        "kind": action.kind,
        "status": action.status,
        "amount": action.amount,
        "currency": action.currency or None,
        "target": action.target,
        "idempotency_key": action.idempotency_key,
        "attempts": action.fence,
        "verdict": action.verdict,
        "reasons": [reason["message"] for reason in action.reasons],
    }


def _message(message: Message) -> dict[str, Any]:
    return {
        "direction": message.direction,
        "body": message.body,
        "sent_at": message.sent_at.isoformat(),
        "automatic": message.automatic,
        "attachments": message.attachments,
    }


def _no_ticket(ticket_id: str) -> JsonResponse:
    return error(404, "not_found", f"There is no ticket {ticket_id!r}.")


def _too_many(seconds: int) -> JsonResponse:
    answer = error(429, "rate_limited", f"Too many deliveries. Try again in {seconds} seconds.", {"seconds": seconds})
    answer["Retry-After"] = str(seconds)
    return answer


def _invalid(fields: dict[str, str]) -> JsonResponse:
    return error(400, "invalid_request", "; ".join(f"{name}: {text}" for name, text in fields.items()), fields)


def _read[Shape: BaseModel](shape: type[Shape], request: HttpRequest) -> Shape | JsonResponse:
    try:
        return incoming.parse(shape, request.body)
    except ValidationError as problem:
        rows = problem.errors()
        return _invalid(
            {".".join(map(str, row["loc"])) or "body": row["msg"].removeprefix("Value error, ") for row in rows}
        )
    except ValueError as problem:
        return _invalid({"body": f"not JSON that can be read: {problem}"})
