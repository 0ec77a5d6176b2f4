"""Webhooks of the providers. The signature replaces the login."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from agentops.lib.errors import Refused
from approvals.reconciliation import webhooks

STATUS = {"bad_signature": 401, "no_secret": 401}


@csrf_exempt
@login_not_required
@require_POST
def stripe_webhook(request: HttpRequest) -> JsonResponse:
    """Receive a Stripe event. Stripe repeats an event for three days unless the answer is 2xx."""
    try:
        outcome = webhooks.receive_stripe(request.body, request.headers.get("Stripe-Signature", ""))
    except Refused as refused:
        return JsonResponse({"error": refused.as_dict()}, status=STATUS.get(refused.code, 400))
    except webhooks.TooEarly:
        message = "Its action has no final outcome yet. Send the event again later."
        return JsonResponse({"error": {"code": "too_early", "message": message, "details": {}}}, status=425)
    return JsonResponse({"outcome": outcome})
